using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PolicyService.Core;

namespace PolicyService.Server.Access.Certificates;

/// <summary>What became of a client certificate: who it names and when that ends, or why it does not count.</summary>
internal sealed record CertificateOutcome(string? Member, DateTimeOffset From, DateTimeOffset Until, string? Problem);

/// <summary>
/// Verifies client certificates (RFC 5280, section 6): a chain to the authorities given and to no others, within the time of each
/// certificate in it. Nothing is fetched from addresses that a certificate names.
/// </summary>
internal static class ClientCertificateVerifier
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>It may issue certificates.</summary>
    public static bool IsAuthority(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(constraints => constraints.CertificateAuthority)
        || certificate.Extensions.OfType<X509KeyUsageExtension>().Any(usage => (usage.KeyUsages & (X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign)) != 0);

    /// <param name="certificate">The client's own.</param>
    /// <param name="intermediates">What it sent along.</param>
    /// <param name="authorities">Whom to trust.</param>
    /// <param name="now">As of when.</param>
    public static CertificateOutcome Verify(X509Certificate2 certificate, X509Certificate2Collection intermediates, X509Certificate2Collection authorities, DateTimeOffset now)
    {
        try
        {
            return ProblemOf(certificate, now) is { } problem ? Refused(problem) : VerifyChain(certificate, intermediates, authorities, now);
        }
        catch (CryptographicException)
        {
            // Its parts are read only when they are asked for, and whoever made it may have written anything there.
            return Refused("the client certificate cannot be read");
        }
    }

    public static string Expired(DateTimeOffset until) =>
        string.Create(CultureInfo.InvariantCulture, $"the client certificate has expired, at {until.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}: renew it");

    private static CertificateOutcome VerifyChain(X509Certificate2 certificate, X509Certificate2Collection intermediates, X509Certificate2Collection authorities, DateTimeOffset now)
    {
        if (intermediates.Count > Limits.ClientIntermediates)
        {
            return Refused($"the client sent more than {Limits.ClientIntermediates} certificates beside its own");
        }

        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(authorities);
        policy.ExtraStore.AddRange(intermediates);
        policy.DisableCertificateDownloads = true;
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.VerificationTime = now.UtcDateTime;
        policy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        try
        {
            if (!chain.Build(certificate))
            {
                return Refused(Explain(chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, status) => all | status.Status)));
            }

            var periods = chain.ChainElements.Select(element => PeriodOf(element.Certificate)).ToArray();
            return CertificateName.MemberOf(certificate, out var unnamed) is { } member
                ? new CertificateOutcome(member, periods.Max(period => period.From), periods.Min(period => period.Until), null)
                : Refused(unnamed!);
        }
        finally
        {
            foreach (var element in chain.ChainElements)
            {
                element.Certificate.Dispose();
            }
        }
    }

    private static CertificateOutcome Refused(string problem) => new(null, default, default, problem);

    private static (DateTimeOffset From, DateTimeOffset Until) PeriodOf(X509Certificate2 certificate) =>
        (new DateTimeOffset(certificate.NotBefore.ToUniversalTime()), new DateTimeOffset(certificate.NotAfter.ToUniversalTime()));

    /// <summary>What its own fields say.</summary>
    private static string? ProblemOf(X509Certificate2 certificate, DateTimeOffset now)
    {
        var (from, until) = PeriodOf(certificate);
        if (IsAuthority(certificate))
        {
            // The key that signs for everybody must not also speak as somebody.
            return "the client certificate is one of an authority: use one of the client's own";
        }

        if (certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().FirstOrDefault() is { } usage
            && !usage.EnhancedKeyUsages.Cast<Oid>().Any(purpose => purpose.Value == ClientAuthentication))
        {
            return "the client certificate is not for clients: its extended key usage lacks clientAuth";
        }

        return now > until ? Expired(until)
            : now < from ? string.Create(CultureInfo.InvariantCulture, $"the client certificate is not valid yet: it begins at {from.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}")
            : null;
    }

    private static string Explain(X509ChainStatusFlags flags) =>
        (flags & (X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.NotSignatureValid)) != 0 ? "the client certificate comes from none of the authorities this service trusts"
        : (flags & X509ChainStatusFlags.NotTimeValid) != 0 ? "a certificate between the client's and its authority, or the authority's, is not valid now"
        : (flags & X509ChainStatusFlags.NotValidForUsage) != 0 ? "the client certificate is not for clients: a certificate above it does not allow clientAuth"
        : $"the client certificate does not hold ({flags})";
}

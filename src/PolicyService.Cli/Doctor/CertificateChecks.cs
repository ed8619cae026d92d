using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PolicyService.Cli.Doctor;

/// <summary>Certificates that will end, and ones that API servers do not believe.</summary>
internal static class CertificateChecks
{
    /// <summary>Time left from which on it is a warning, and from which on it is an error.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromDays(30);

    private static readonly TimeSpan VerySoon = TimeSpan.FromDays(7);

    private static readonly TimeSpan MostSkew = TimeSpan.FromSeconds(60);

    public static IEnumerable<Finding> Find(ClusterState state, DateTimeOffset now)
    {
        foreach (var finding in WebhookChecks.Ours(state).SelectMany(found => OfBundle(state, found.Where, found.Webhook.ClientConfig.CaBundle, now)))
        {
            yield return finding;
        }

        if (state.Served is { } served)
        {
            if (Expiring(served.Chain[0], $"certificate of the adapter ({served.Source})", now) is { } expiring)
            {
                yield return expiring;
            }

            if (!served.Chain[0].MatchesHostname(state.Installation.HostName, allowWildcards: true, allowCommonName: false))
            {
                yield return Finding.Error("CERTIFICATE_NAME", $"certificate of the adapter ({served.Source})", $"it does not name {state.Installation.HostName}: no API server believes it", "make it anew with that DNS name");
            }
        }
        else
        {
            yield return Finding.Note("CERTIFICATE_UNSEEN", $"Service {state.Installation.Namespace}/{state.Installation.Adapter}", "neither the adapter nor its Secret could be read, so its certificate was not looked at", "run this inside the cluster, or with the right to read Secrets there");
        }

        if (state.Ahead is { } ahead && ahead.Duration() > MostSkew)
        {
            yield return Finding.Warning("CLOCK_SKEW", "API server", string.Create(CultureInfo.InvariantCulture, $"its clock is {Math.Abs(ahead.TotalSeconds):0} s {(ahead > TimeSpan.Zero ? "ahead of" : "behind")} this machine's: certificates, tokens and ages of attestations count differently there"), "synchronise the clocks of nodes and of this machine");
        }
    }

    private static IEnumerable<Finding> OfBundle(ClusterState state, string where, byte[]? bundle, DateTimeOffset now)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(System.Text.Encoding.UTF8.GetString(bundle ?? []));
        }
        catch (CryptographicException)
        {
            // None of it counts, as for the API server.
            authorities.Clear();
        }

        if (authorities.Count == 0)
        {
            yield return Finding.Error("CA_BUNDLE", where, "caBundle has no certificate: API servers believe no adapter, and no pod starts", "run certificates.sh, and apply the overlay");
            yield break;
        }

        // While another one in the bundle lasts, one that ends is the end of a rotation.
        foreach (var finding in authorities.Select(authority => Expiring(authority, $"{where}: authority {authority.Subject}", now)).OfType<Finding>())
        {
            yield return authorities.Any(other => Left(other, now) >= Soon) ? finding with { Severity = FindingSeverity.Note, Remedy = "finish the rotation (certificates.sh finish), and apply the overlay" } : finding;
        }

        if (state.Served is { } served && !Verifies(served, authorities, now))
        {
            yield return Finding.Error("CA_BUNDLE", where, $"caBundle does not vouch for the adapter's certificate ({served.Source}): API servers do not believe it, and no pod starts", "apply the overlay that the certificate is from; a new authority stands beside the old one first (certificates.sh rotate)");
        }
    }

    private static bool Verifies(ServedCertificate served, X509Certificate2Collection authorities, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.ExtraStore.AddRange(served.Chain);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        // Whether it has ended is said by itself: here it is about who vouches.
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1"));
        return chain.Build(served.Chain[0]);
    }

    private static Finding? Expiring(X509Certificate2 certificate, string where, DateTimeOffset now)
    {
        var left = Left(certificate, now);
        var until = certificate.NotAfter.ToUniversalTime().ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);
        const string renew = "renew it (certificates.sh renew; for an authority rotate, renew, finish), and apply the overlay";
        return left < TimeSpan.Zero ? Finding.Error("EXPIRED", where, $"it ended {until}: no API server believes it, and no pod starts", renew)
            : now < certificate.NotBefore ? Finding.Error("NOT_YET_VALID", where, "it does not count yet: a clock is wrong, here or where it was made", "synchronise the clocks")
            : left < VerySoon ? Finding.Error("EXPIRES", where, $"it ends {until}; from then on no pod starts", renew)
            : left < Soon ? Finding.Warning("EXPIRES", where, $"it ends {until}; from then on no pod starts", renew)
            : null;
    }

    private static TimeSpan Left(X509Certificate2 certificate, DateTimeOffset now) => certificate.NotAfter.ToUniversalTime() - now.UtcDateTime;
}

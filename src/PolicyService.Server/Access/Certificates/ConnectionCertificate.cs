using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PolicyService.Server.Access.Certificates;

/// <summary>
/// The certificate a client showed in the handshake of one connection, and what was thought of it last. The handshake takes any: a request is
/// refused with a reason, a handshake without one.
/// </summary>
internal sealed class ConnectionCertificate(ClientAuthorities authorities)
{
    /// <summary>A refusal is looked at again after this: a certificate that was not valid yet may have become so.</summary>
    private static readonly TimeSpan RefusalAge = TimeSpan.FromSeconds(1);

    private X509Certificate2? _certificate;
    private X509Certificate2Collection _intermediates = [];
    private Verdict? _verdict;

    /// <summary>The client showed one.</summary>
    public bool IsShown => _certificate is not null;

    /// <summary>Keeps copies: the handshake disposes what it has.</summary>
    /// <returns>False: it cannot be read.</returns>
    public bool TryShow(X509Certificate certificate, X509Chain? chain)
    {
        try
        {
            _intermediates = [.. (chain?.ChainPolicy.ExtraStore ?? []).Take(Core.Limits.ClientIntermediates + 1).Select(sent => X509CertificateLoader.LoadCertificate(sent.RawData))];
            _certificate = X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>What it is worth now, by the authorities in force.</summary>
    public CertificateOutcome Outcome(DateTimeOffset now)
    {
        var trusted = authorities.Current;
        var verdict = Volatile.Read(ref _verdict);
        if (verdict is not null && ReferenceEquals(verdict.Authorities, trusted)
            && (verdict.Outcome.Problem is null ? now >= verdict.Outcome.From && now <= verdict.Outcome.Until : now - verdict.At < RefusalAge && now >= verdict.At))
        {
            return verdict.Outcome;
        }

        var outcome = ClientCertificateVerifier.Verify(_certificate!, _intermediates, trusted, now);
        Volatile.Write(ref _verdict, new Verdict(trusted, now, outcome));
        return outcome;
    }

    private sealed record Verdict(X509Certificate2Collection Authorities, DateTimeOffset At, CertificateOutcome Outcome);
}

/// <summary>A client certificate as what a caller authenticated with.</summary>
internal sealed record CertificateCredential(ConnectionCertificate Certificate, string Member, DateTimeOffset Until) : ICredential
{
    public string? ProblemAt(DateTimeOffset now)
    {
        var outcome = Certificate.Outcome(now);
        return outcome.Problem ?? (outcome.Member == Member ? null : "the client certificate names somebody else now");
    }
}

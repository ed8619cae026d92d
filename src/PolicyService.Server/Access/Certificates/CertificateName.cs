using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PolicyService.Core.Access;

namespace PolicyService.Server.Access.Certificates;

/// <summary>Whom a client certificate names: its SPIFFE id (X.509-SVID, section 2), else its subject.</summary>
internal static class CertificateName
{
    private const string AlternativeNames = "2.5.29.17";
    private static readonly Asn1Tag UriTag = new(TagClass.ContextSpecific, 6);

    /// <returns>Null: nobody, with the reason.</returns>
    /// <exception cref="CryptographicException">The certificate cannot be read.</exception>
    public static string? MemberOf(X509Certificate2 certificate, out string? problem)
    {
        problem = null;
        try
        {
            var uris = Uris(certificate);
            if (!uris.Any(uri => uri.StartsWith("spiffe:", StringComparison.OrdinalIgnoreCase)))
            {
                var subject = DistinguishedName.Write(certificate.SubjectName.RawData);
                problem = subject.Length > 0 ? null : "the client certificate names nobody: it has neither a SPIFFE id nor a subject";
                return problem is null ? Member.OfSubject("x509", subject) : null;
            }

            // Of two ids nobody could tell which the authority meant.
            problem = uris.Count > 1 ? "the client certificate has more than one URI beside its SPIFFE id"
                : !SpiffeId.IsWorkload(uris[0]) ? "the client certificate's SPIFFE id is malformed: it must be spiffe://<trust domain>/<path>"
                : null;
            return problem is null ? $"principal://spiffe/{uris[0][SpiffeId.Scheme.Length..]}" : null;
        }
        catch (AsnContentException exception)
        {
            throw new CryptographicException("names that are no DER", exception);
        }
    }

    private static List<string> Uris(X509Certificate2 certificate)
    {
        var uris = new List<string>();
        foreach (var extension in certificate.Extensions.Where(extension => extension.Oid?.Value == AlternativeNames))
        {
            var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            while (names.HasData)
            {
                if (names.PeekTag().HasSameClassAndValue(UriTag))
                {
                    uris.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, UriTag));
                }
                else
                {
                    names.ReadEncodedValue();
                }
            }
        }

        return uris;
    }
}

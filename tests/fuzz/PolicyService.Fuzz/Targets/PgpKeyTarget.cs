using System.Text;
using PolicyService.Core.Images;
using PolicyService.Core.Verification;
using PolicyService.Core.Verification.Pgp;

namespace PolicyService.Fuzz.Targets;

/// <summary>PGP key blocks; binary ones are armored first. None gives a key that may sign but those of the seeds, when the seeds say.</summary>
internal static class PgpKeyTarget
{
    private static readonly Lazy<HashSet<(Digest, ValidityPeriod)>> Known = new(() => [.. Seed.Known("pgp-key").Select(PgpForm.Text).SelectMany(text => MaySign(PgpKeyBlock.Read(text).Key!))]);

    public static void Check(byte[] input)
    {
        PgpForm.Check(input);
        var text = PgpForm.Text(input);
        var reading = PgpKeyBlock.Read(text);
        Finding.Unless((reading.Key is null) == (reading.Problem is { Length: > 0 }), "neither a key nor a problem, or both");
        if (reading.Key is { } key)
        {
            Finding.Unless(key.DefaultId == reading.Id, "the key has another id than its block");
            Finding.Unless(key.Material.Count > 0 && Known.Value.IsSupersetOf(MaySign(key)), "a key may sign that nobody made, or when nobody said");
            var again = PgpKeyBlock.Read(PgpForm.Armor(PgpArmor.Decode(Encoding.UTF8.GetBytes(text))!)).Key;
            Finding.Unless(again is not null && again.DefaultId == key.DefaultId && again.Fingerprint == key.Fingerprint, "the block gives another key when written again");
        }
    }

    private static IEnumerable<(Digest, ValidityPeriod)> MaySign(PgpKey key) =>
        key.Signers.Where(signer => signer.Problem is null).Select(signer => (signer.Material.Digest, signer.Period));
}

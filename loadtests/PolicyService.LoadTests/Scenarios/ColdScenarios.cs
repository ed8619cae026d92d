using System.Diagnostics;
using System.Security.Cryptography;
using PolicyService.Api.V1;
using PolicyService.LoadTests.Calls;
using PolicyService.LoadTests.Documents;

namespace PolicyService.LoadTests.Scenarios;

/// <summary>Each request asks about an image whose signature was not verified, or was forgotten: exactly one verification is on its path.</summary>
internal static class ColdScenarios
{
    /// <summary>Hot images of the same server: the same documents, nothing to verify.</summary>
    private const int HotImages = 100;

    /// <summary>An RSA-4096 signature takes milliseconds to make: one in this many is one, the others are refused after the same verification.</summary>
    private const int Genuine = 50;

    private const int TimedVerifications = 3000;
    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(5);

    public static Task<PreparedScenario> P256Async(TestBed bed, CancellationToken cancellation) => PrepareAsync(bed, SigningKey.P256(), genuine: 1, cancellation);

    public static Task<PreparedScenario> Rsa4096Async(TestBed bed, CancellationToken cancellation) => PrepareAsync(bed, SigningKey.Rsa4096(), Genuine, cancellation);

    private static async Task<PreparedScenario> PrepareAsync(TestBed bed, SigningKey key, int genuine, CancellationToken cancellation)
    {
        TestImage[] images = [.. Enumerable.Range(0, bed.Plan.ColdImages).Select(number => new TestImage(number))];
        var served = await ServedDocuments.StartAsync(
            key,
            (documents, _) =>
            {
                documents.WriteProject(key);
                documents.WriteAttestations(images, (image, payload) => IsGenuine(image) ? key.Sign(payload) : Forged(image), key.Id);
            },
            StartTime, bed.Time, cancellation);
        Question[] questions = [.. images.Select(image => image.Ask(IsGenuine(image) ? Verdict.Allow : Verdict.Deny))];
        var cold = new RepeatedQuestions(questions[HotImages..]);
        return new(bed.Unary(served.Server, cold))
        {
            Hot = bed.Unary(served.Server, new RepeatedQuestions(questions[..HotImages])),
            SliceDecisions = bed.Plan.ColdDecisionsPerSlice,
            Verification = CostOfVerification(key, images[0].Payload()),
            Notes = () => [$"{cold.Asked} requests, {questions.Length - HotImages} images: {(cold.Asked <= questions.Length - HotImages ? "none asked twice" : "asked again only when forgotten")}"],
            Owned = [served],
        };

        bool IsGenuine(TestImage image) => image.Number % genuine == 0;
    }

    /// <summary>Below any modulus of 4,096 bits, so that it is computed with before it is refused.</summary>
    private static byte[] Forged(TestImage image)
    {
        var signature = new byte[512];
        for (var part = 0; part < signature.Length; part += SHA256.HashSizeInBytes)
        {
            SHA256.HashData([.. BitConverter.GetBytes(image.Number), (byte)part, (byte)(part >> 8)]).CopyTo(signature, part);
        }

        signature[0] = 0;
        return signature;
    }

    /// <summary>Processor time of one verification by the base library, on every core at once, as the service has it.</summary>
    private static TimeSpan CostOfVerification(SigningKey key, byte[] payload)
    {
        var signature = key.Sign(payload);
        _ = key.Verify(payload, signature);
        using var self = Process.GetCurrentProcess();
        var before = self.TotalProcessorTime;
        Parallel.For(0, TimedVerifications * Environment.ProcessorCount, _ =>
        {
            if (!key.Verify(payload, signature))
            {
                throw new CryptographicException("a signature of our own does not verify");
            }
        });
        self.Refresh();
        return (self.TotalProcessorTime - before) / (TimedVerifications * Environment.ProcessorCount);
    }
}

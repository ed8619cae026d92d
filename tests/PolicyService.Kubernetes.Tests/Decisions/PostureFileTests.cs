using PolicyService.Api.V1;

namespace PolicyService.Kubernetes.Tests.Decisions;

/// <summary>What stays of a posture on a disk that fails.</summary>
public sealed class PostureFileTests
{
    [Fact, Trait("attack", "106")]
    public async Task Dry_run_does_not_outlive_a_posture_that_could_not_be_written()
    {
        await using var bench = await Bench.StartAsync(Bench.DryRun);
        await Eventually.Holds("it is on disk", () => bench.NewWatch().Posture is not null);
        var obstacle = Directory.CreateDirectory(Path.Combine(bench.Folder, "posture.json.new"));

        await bench.HearAsync(Bench.Posture(Enforcement.Enforced));

        await Eventually.Holds("the dry run is gone", () => bench.NewWatch().Posture is null);

        // The disk is mended: the same word is written without waiting for another one, or for the next minute.
        obstacle.Delete();
        await bench.HearAsync(Bench.Posture(Enforcement.Enforced));
        await Eventually.Holds("it is on disk", () => bench.NewWatch().Posture is { Message.Enforcement: Enforcement.Enforced });
    }
}

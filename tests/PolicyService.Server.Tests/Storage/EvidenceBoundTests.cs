using System.Text;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using PolicyService.Api.V1;
using PolicyService.Core;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Grafeas;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Storage;

/// <summary>Whoever may write attestations can neither hide good ones behind large ones nor open a gate with slow ones.</summary>
public sealed class EvidenceBoundTests : IDisposable
{
    private const string Note = "projects/acme/notes/build";
    private static readonly string Digest = Ask.Attested[(Ask.Attested.IndexOf('@') + 1)..];

    private readonly Signer _signer = new();
    private int _rows;

    public static TheoryData<string> Engines => TestStore.Engines;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Engines)), Trait("attack", "76")]
    public async Task Large_junk_hides_no_attestation_of_the_usual_size(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        await FillAsync(test, "{}", _signer.Occurrence(Ask.Attested));
        // Stored by an older version, or imported: some that can never count, and more than is read of those that can.
        await AddAsync(test, 10, 4_000_000);
        await AddAsync(test, (Limits.EvidenceBytes / Limits.OccurrenceBytes) + 2, Limits.OccurrenceBytes);
        await using var server = await TestServer.StartAsync(new DocumentsFolder(), more: test.Arguments);

        Assert.Equal(Verdict.Allow, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);
    }

    [Theory, MemberData(nameof(Engines)), Trait("attack", "76")]
    public async Task Content_beyond_each_bound_is_neither_read_nor_taken_for_none(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        await AddAsync(test, 1, Limits.UsualOccurrenceBytes);
        var fitting = Limits.EvidenceBytes / Limits.OccurrenceBytes;
        await AddAsync(test, fitting, Limits.OccurrenceBytes);
        Assert.Equal((fitting + 1, false), await ReadAsync(test));

        // Newer ones come first: the oldest of the large ones is beyond the sum now, and the small one is not.
        await AddAsync(test, 1, Limits.UsualOccurrenceBytes + 1);
        Assert.Equal((fitting + 1, true), await ReadAsync(test));
        await using (var context = test.Database().CreateContext())
        {
            await context.Occurrences.Where(row => row.Name == "projects/flood/occurrences/o-1").ExecuteDeleteAsync(Cancellation);
            await context.Occurrences.OrderByDescending(row => row.Number).Take(1).ExecuteDeleteAsync(Cancellation);
        }

        Assert.Equal((fitting, false), await ReadAsync(test));
        await AddAsync(test, 1, Limits.OccurrenceBytes + 1);
        Assert.Equal((fitting, true), await ReadAsync(test));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Other_kinds_are_no_attestations_and_unreadable_ones_are_not_none(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        await AddAsync(test, 1, 1000);
        await AddAsync(test, Limits.SignaturesPerDigest + 1, 1000, kind: "BUILD");
        Assert.Equal((1, false), await ReadAsync(test));

        await AddAsync(test, 1, 1000, content: """{"kind":"ATTESTATION","of a later version":true}""");
        Assert.Equal((1, true), await ReadAsync(test));
    }

    [Fact, Trait("attack", "92")]
    public async Task Slow_evidence_of_a_store_that_answers_otherwise_opens_nothing()
    {
        await using var test = await TestStore.CreateAsync(TestStore.Postgres);
        await FillAsync(test, """{"failMode": "OPEN"}""", _signer.Occurrence(Ask.Attested));
        await using var server = await TestServer.StartAsync(new DocumentsFolder(), more: test.Arguments);
        Assert.Equal(Verdict.Allow, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);

        await using var context = test.Database().CreateContext();
        await using var transaction = await context.Database.BeginTransactionAsync(Cancellation);
        await context.Database.ExecuteSqlRawAsync("LOCK TABLE occurrences IN ACCESS EXCLUSIVE MODE", Cancellation);

        var answer = await server.AskAsync(Ask.For(Ask.Unattested));
        Assert.Equal((Verdict.Deny, Conformance.Error), (answer.Verdict, answer.Conformance));
        Assert.Equal((ReasonCode.EvidenceUnavailable, "GRAFEAS:TIMEOUT"), (answer.Reasons[0].Code, answer.Reasons[0].Detail));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task More_projects_than_one_statement_takes_are_read_in_several(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        await AddAsync(test, 1, 1000);
        OccurrenceParent[] parents = [.. Enumerable.Range(0, 510).Select(number => OccurrenceParent.OfProject($"p{number}")), OccurrenceParent.OfProject("flood"), Parent];

        var found = await ((IOccurrenceSource)test.Store).ReadAsync(Parsed, parents, "", Cancellation);

        Assert.Equal((512, 2), (found.Count, found.Values.Sum(one => one.Attestations.Count)));
        Assert.Single(found[Parent].Attestations);
    }

    public void Dispose() => _signer.Dispose();

    private static Digest Parsed => PolicyService.Core.Images.Digest.TryParse(Digest, out var digest) ? digest : throw new InvalidOperationException();

    private static OccurrenceParent Parent => NoteName.TryParse(Note, out var note) ? OccurrenceParent.Of(note) : throw new InvalidOperationException();

    private static async Task<(int Count, bool IsCut)> ReadAsync(TestStore test)
    {
        var found = (await ((IOccurrenceSource)test.Store).ReadAsync(Parsed, [Parent], "", Cancellation))[Parent];
        return (found.Attestations.Count, found.IsCut);
    }

    private async Task FillAsync(TestStore test, string options, string occurrence)
    {
        await DocumentTests.WrittenAsync(test.Store.CreateAsync(Documents.Note("build"), "{}", "x", Cancellation));
        await DocumentTests.WrittenAsync(test.Store.CreateAsync(Documents.Attestor("build"), _signer.Document(), "x", Cancellation));
        await DocumentTests.WrittenAsync(test.Store.PutAsync(Documents.Policy(), Documents.Requiring(_signer.Attestor), "", "x", Cancellation));
        await DocumentTests.WrittenAsync(test.Store.PutAsync(Documents.Options(), options, "", "x", Cancellation));
        await DocumentTests.WrittenAsync(test.Store.CreateOccurrenceAsync("acme", occurrence, Cancellation));
    }

    /// <summary>Occurrences newer than all before, past the surface that would refuse them.</summary>
    private async Task AddAsync(TestStore test, int count, int bytes, string kind = "ATTESTATION", string? content = null)
    {
        await using var context = test.Database().CreateContext();
        var now = Rfc3339.ToMicroseconds(TimeProvider.System.GetUtcNow());
        context.Occurrences.AddRange(Enumerable.Range(0, count).Select(_ => Row(++_rows)));
        await context.SaveChangesAsync(Cancellation);

        OccurrenceRow Row(int number) => new()
        {
            Name = $"projects/flood/occurrences/o-{number}",
            Project = "flood",
            Note = Note,
            Kind = kind,
            Resource = $"gcr.io/acme/api@{Digest}",
            Digest = Digest,
            Content = content ?? OfLength(bytes),
            Identity = $"{number}",
            CreateTime = now + number,
            UpdateTime = now + number,
        };
    }

    /// <summary>A readable attestation of a key nobody has.</summary>
    private static string OfLength(int bytes)
    {
        var occurrence = JsonNode.Parse(Documents.Attestation(Digest))!.AsObject();
        occurrence["remediation"] = "";
        var least = Encoding.UTF8.GetByteCount(occurrence.ToJsonString());
        occurrence["remediation"] = new string('x', bytes - least);
        return occurrence.ToJsonString();
    }
}

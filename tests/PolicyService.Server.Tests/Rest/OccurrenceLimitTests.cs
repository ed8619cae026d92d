using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using PolicyService.Core;

namespace PolicyService.Server.Tests.Rest;

/// <summary>What no decision would count is refused, at the edge of each limit.</summary>
public sealed class OccurrenceLimitTests(RestServer rest) : IClassFixture<RestServer>
{
    private readonly string _project = RestServer.NewProject();

    [Fact, Trait("attack", "76")]
    public async Task Attestation_that_could_never_count_is_refused_and_the_largest_that_could_is_stored()
    {
        await rest.DoAsync("POST", $"/v1/projects/{_project}/notes?noteId=build", """{"attestation": {}}""");
        var jwtOverhead = Jwt(0).Length;
        foreach (var (name, stored, refused, field) in new (string, JsonObject, JsonObject, string)[]
        {
            ("payload", Of(Limits.PayloadBytes, [8]), Of(Limits.PayloadBytes + 1, [8]), "attestation.serializedPayload"),
            ("signature", Of(8, [8, Limits.SignatureBytes]), Of(8, [8, Limits.SignatureBytes + 1]), "attestation.signatures[1].signature"),
            ("signatures", Of(8, new int[Limits.SignaturesPerOccurrence]), Of(8, new int[Limits.SignaturesPerOccurrence + 1]), "attestation.signatures"),
            ("jwt", OfJwt(Limits.JwtBytes - jwtOverhead), OfJwt(Limits.JwtBytes - jwtOverhead + 1), "attestation.jwts"),
        })
        {
            Assert.Equal((name, HttpStatusCode.OK), (name, (await PostAsync(stored)).Code));
            var reply = await PostAsync(refused);
            Assert.Equal((name, HttpStatusCode.BadRequest, "INVALID_ARGUMENT", field), (name, reply.Code, reply.Status, Assert.Single(reply.Fields)));
        }
    }

    [Fact]
    public async Task Occurrence_that_is_too_large_as_a_whole_is_refused_and_other_kinds_are_not_attestations()
    {
        await rest.DoAsync("POST", $"/v1/projects/{_project}/notes?noteId=build", """{"attestation": {}}""");
        var overhead = (await PostAsync(WithRemediation(1))).Text.Length;
        // What the store adds to an answer is not part of it: so near the edge as that.
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(WithRemediation(Limits.OccurrenceBytes - overhead))).Code);
        Assert.Equal((HttpStatusCode.BadRequest, "INVALID_ARGUMENT"), await StatusAsync(WithRemediation(Limits.OccurrenceBytes)));
        var build = WithRemediation(Limits.OccurrenceBytes);
        build["kind"] = "BUILD";
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(build)).Code);
    }

    private static string Jwt(int padding) => $"{Convert.ToBase64String(Encoding.UTF8.GetBytes("""{"alg":"ES256","kid":"k"}""")).TrimEnd('=')}.{new string('A', padding)}.AAAA";

    private JsonObject WithRemediation(int length)
    {
        // Each another one, by what is signed; of one length.
        var occurrence = Of(8, [8]);
        occurrence["attestation"]!["signatures"]![0]!["publicKeyId"] = $"k{length:D8}";
        occurrence["remediation"] = new string('x', length);
        return occurrence;
    }

    private JsonObject Of(int payload, int[] signatures) => Of(new JsonObject
    {
        ["serializedPayload"] = Convert.ToBase64String(new byte[payload]),
        ["signatures"] = new JsonArray([.. signatures.Select((length, index) => new JsonObject { ["publicKeyId"] = $"k{index}", ["signature"] = Convert.ToBase64String(new byte[Math.Max(1, length)]) })]),
    });

    private JsonObject OfJwt(int padding) => Of(new JsonObject { ["jwts"] = new JsonArray(new JsonObject { ["compactJwt"] = Jwt(padding) }) });

    private JsonObject Of(JsonObject attestation) => new()
    {
        ["kind"] = "ATTESTATION",
        ["noteName"] = $"projects/{_project}/notes/build",
        ["resourceUri"] = $"https://gcr.io/acme/api@{RouteTable.Digest}",
        ["attestation"] = attestation,
    };

    private Task<RestReply> PostAsync(JsonObject occurrence) => rest.SendAsync("POST", $"/v1/projects/{_project}/occurrences", occurrence.ToJsonString());

    private async Task<(HttpStatusCode, string)> StatusAsync(JsonObject occurrence)
    {
        var reply = await PostAsync(occurrence);
        return (reply.Code, reply.Status);
    }
}

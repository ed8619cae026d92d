using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Server.Tests.Rest;

namespace PolicyService.Server.Tests.Access;

/// <summary>A policy uses attestors of other projects only where they are granted to it.</summary>
public sealed class ForeignAttestorTests(AdminServer admin) : IClassFixture<AdminServer>
{
    [Fact]
    public async Task Attestor_of_another_project_counts_while_it_is_granted()
    {
        var (acme, shop) = (RestServer.NewProject(), RestServer.NewProject());
        using var signer = new Signer(project: acme);
        await PrepareAsync(signer, acme, shop);

        var denied = await AskAsync(shop);
        var reason = Assert.Single(denied.Reasons);
        Assert.Equal((Verdict.Deny, ReasonCode.DeniedByAttestor, "NO_PERMISSION"), (denied.Verdict, reason.Code, reason.Detail));
        var member = $"principal://policyservice/projects/{shop}";
        Assert.Equal(
            $"gcloud container binauthz attestors add-iam-policy-binding build --project={acme} --member={member} --role=roles/binaryauthorization.attestorsVerifier"
            + $"; or in the access file: bindings: [{{role: roles/binaryauthorization.attestorsVerifier, members: [\"{member}\"], resources: [\"{signer.Attestor}\"]}}]",
            reason.Remedy);
        Assert.Contains(denied.Trace, step => step.Step_ == $"attestor {signer.Attestor}" && step.Outcome == "DENIED_BY_ATTESTOR NO_PERMISSION");

        // Neither what every caller is granted nor another role is a grant to the policy; the verifier's is.
        await admin.SetAsync(signer.Attestor, """{"role": "roles/binaryauthorization.attestorsVerifier", "members": ["allAuthenticatedUsers", "group:admins"]}""");
        Assert.Equal(Verdict.Deny, (await AskAsync(shop)).Verdict);
        await admin.SetAsync(signer.Attestor, $$"""{"role": "roles/binaryauthorization.attestorsVerifier", "members": ["{{member}}"]}""");
        await Eventually.Holds("the grant counts", async () => (await AskAsync(shop)).Verdict is Verdict.Allow);

        await admin.Access.DoAsync(AdminServer.Admin, "DELETE", $"/v1/{signer.Attestor}");
        await Eventually.Holds("it has gone", async () => (await AskAsync(shop)).Reasons is [{ Detail: "NO_PERMISSION" }]);
        await admin.Access.DoAsync(AdminServer.Admin, "POST", $"/v1/projects/{acme}/attestors?attestorId=build", signer.Document());
        await Eventually.Holds("made anew it counts at home", async () => (await AskAsync(acme)).Verdict is Verdict.Allow);
        Assert.Equal("NO_PERMISSION", Assert.Single((await AskAsync(shop)).Reasons).Detail);
    }

    [Fact]
    public async Task Grant_of_the_access_file_counts_for_the_project_it_names()
    {
        const string Grant = "- {role: roles/binaryauthorization.attestorsVerifier, members: [\"principal://policyservice/projects/shop\"], resources: [projects/acme/attestors/build]}\nevaluators:";
        await using var access = await AccessServer.StartAsync(AdminServer.File);
        using var signer = new Signer();
        await PrepareAsync(signer, "acme", "shop", access);
        Assert.Equal("NO_PERMISSION", Assert.Single((await AskAsync("shop", access)).Reasons).Detail);

        access.Write(AdminServer.File.Replace("evaluators:", Grant, StringComparison.Ordinal));
        await Eventually.Holds("the grant counts", async () => (await AskAsync("shop", access)).Verdict is Verdict.Allow);
        access.Write(AdminServer.File.Replace("evaluators:", Grant.Replace("projects/shop", "projects/shop-evil", StringComparison.Ordinal), StringComparison.Ordinal));
        await Eventually.Holds("and no more", async () => (await AskAsync("shop", access)).Reasons is [{ Detail: "NO_PERMISSION" }]);
    }

    [Fact]
    public async Task Denial_is_recorded_with_its_detail()
    {
        var (acme, shop) = (RestServer.NewProject(), RestServer.NewProject());
        using var signer = new Signer(project: acme);
        await PrepareAsync(signer, acme, shop);

        var denied = await AskAsync(shop);

        await Eventually.Holds("it is recorded", () => File.ReadAllText(admin.Access.Server.Documents.Beside("records.jsonl")).Split('\n')
            .Any(line => line.Contains(denied.DecisionId, StringComparison.Ordinal) && line.Contains("\"detail\":\"NO_PERMISSION\"", StringComparison.Ordinal)));
    }

    private Task PrepareAsync(Signer signer, string acme, string shop) => PrepareAsync(signer, acme, shop, admin.Access);

    /// <summary>An attestor with an attestation in one project, and two policies that need it.</summary>
    private static async Task PrepareAsync(Signer signer, string acme, string shop, AccessServer access)
    {
        await access.DoAsync(AdminServer.Admin, "POST", $"/v1/projects/{acme}/notes?noteId=build", """{"attestation": {}}""");
        await access.DoAsync(AdminServer.Admin, "POST", $"/v1/projects/{acme}/attestors?attestorId=build", signer.Document());
        await access.DoAsync(AdminServer.Admin, "POST", $"/v1/projects/{acme}/occurrences", signer.Occurrence(Ask.Attested));
        await access.DoAsync(AdminServer.Admin, "PUT", $"/v1/projects/{acme}/policy", HidingServer.Policy(signer.Attestor));
        await access.DoAsync(AdminServer.Admin, "PUT", $"/v1/projects/{shop}/policy", HidingServer.Policy(signer.Attestor));
        await Eventually.Holds("the policies are in force", async () => (await AskAsync(acme, access)).Verdict is Verdict.Allow && (await AskAsync(shop, access)).Reasons[0].Code is not ReasonCode.NoPolicy);
    }

    private Task<EvaluateResponse> AskAsync(string project) => AskAsync(project, admin.Access);

    private static async Task<EvaluateResponse> AskAsync(string project, AccessServer access)
    {
        var request = Ask.For(Ask.Attested, "a.b");
        (request.Project, request.Explain) = (project, true);
        return await access.Server.Client.EvaluateAsync(request, new Metadata { { AccessServer.Header, AdminServer.Admin } }, cancellationToken: TestContext.Current.CancellationToken);
    }
}

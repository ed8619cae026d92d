using PolicyService.Core.Checks;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;

namespace PolicyService.Core.Policies;

/// <summary>Reads a <c>PlatformPolicy</c> document (GCLOUD_REST section 9).</summary>
public static class PlatformPolicyParser
{
    /// <summary>Check types whose evidence this version cannot fetch; each is evaluated to an error.</summary>
    private static readonly string[] UnavailableChecks =
        ["sigstoreSignatureCheck", "slsaCheck", "vulnerabilityCheck", "imageFreshnessCheck"];

    public static PlatformPolicy? Parse(DocumentNode? node, ProblemList problems)
    {
        if (MappingReader.Of(node, "the platform policy", problems) is not { } reader)
        {
            return null;
        }

        var name = reader.Required<PlatformPolicyName>("name", PlatformPolicyName.Parse, "write name: projects/<project>/platforms/gke/policies/<policy>");
        PolicyParser.PassOver(reader, "description", "etag", "updateTime");
        var gke = reader.Mapping("gkePolicy");
        var cloudRun = reader.Mapping("cloudRunPolicy");
        reader.End();
        if ((gke is null) == (cloudRun is null) || (name.Platform is { } platform && (platform == "gke") != (gke is not null)))
        {
            problems.Error(reader.Node.Mark, "the body does not fit the platform", "write gkePolicy under platforms/gke, cloudRunPolicy under platforms/cloudRun, and only one of them");
        }

        var policy = gke is not null ? ParseGke(gke, name) : cloudRun is not null ? ParseCloudRun(cloudRun, name) : null;
        return problems.HasErrors ? null : policy;
    }

    private static PlatformPolicy ParseGke(MappingReader reader, PlatformPolicyName name)
    {
        var allowlist = ParseImageAllowlist(reader);
        var sets = reader.Mappings("checkSets", ParseCheckSet);
        for (var index = 1; index < sets.Count; index++)
        {
            if (sets[index].Scope.Specificity > sets[index - 1].Scope.Specificity || sets[index - 1].Scope.Specificity == 0)
            {
                reader.Problems.Error(reader.MarkOf("checkSets"), $"check set {index + 1} is more specific than the one before it", "list service accounts, then namespaces, then the unscoped set");
            }
        }

        if (sets.Count > 0 && sets[^1].Scope.Specificity != 0)
        {
            reader.Problems.Error(reader.MarkOf("checkSets"), "the last check set has a scope", "end with a set without scope");
        }

        reader.End();
        CheckSet[] written = sets.Count > 0 ? [.. sets] : [new CheckSet("", new CheckSetScope("", ""), NamePatternSet.Empty, [new AlwaysAllowCheck()])];
        return new PlatformPolicy { Name = name, Allowlist = allowlist, CheckSets = written };
    }

    private static CheckSet? ParseCheckSet(MappingReader reader)
    {
        var displayName = reader.Text("displayName") ?? "";
        var (space, account) = ("", "");
        if (reader.Mapping("scope") is { } scope)
        {
            space = scope.Value<string>("kubernetesNamespace", ParseNamespace) ?? "";
            account = scope.Value<string>("kubernetesServiceAccount", ParseServiceAccount) ?? "";
            scope.End();
            if ((space.Length > 0) == (account.Length > 0))
            {
                reader.Problems.Error(scope.Node.Mark, "a scope names a namespace or a service account", "write exactly one of the two");
            }
        }

        var checks = reader.Mappings("checks", ParseCheck);
        return new CheckSet(displayName, new CheckSetScope(space, account), ParseImageAllowlist(reader), checks.Count > 0 ? checks : [new AlwaysAllowCheck()]);
    }

    private static Check? ParseCheck(MappingReader reader)
    {
        var displayName = reader.Text("displayName") ?? "";
        var allowlist = ParseImageAllowlist(reader);
        var checks = new List<Check>();
        if (reader.Boolean("alwaysDeny"))
        {
            checks.Add(new AlwaysDenyCheck(displayName, allowlist));
        }

        if (reader.Mapping("trustedDirectoryCheck") is { } trusted)
        {
            checks.Add(new TrustedDirectoryCheck(displayName, allowlist, trusted.Values<DirectoryPattern>("trustedDirPatterns", ParseDirectory)));
            trusted.End();
        }

        if (reader.Mapping(SimpleSigningCheck.Name) is { } signing)
        {
            checks.Add(SimpleSigningCheckParser.Parse(signing, displayName, allowlist));
        }

        foreach (var type in UnavailableChecks)
        {
            if (reader.Take(type) is not null)
            {
                checks.Add(new UnavailableCheck(type, displayName, allowlist));
            }
        }

        if (checks.Count != 1)
        {
            reader.Problems.Error(reader.Node.Mark, $"a check has exactly one type, this one has {checks.Count}", "write one check type for each item of `checks`");
        }

        return checks.FirstOrDefault();
    }

    private static PlatformPolicy ParseCloudRun(MappingReader reader, PlatformPolicyName name)
    {
        var allowlist = PolicyParser.ParseAllowlist(reader, "allowlistPatterns");
        AdmissionRule? rule = null;
        if (reader.Mapping("rule") is { } body)
        {
            // Its attestors are documents of their own inside the rule; without their evidence the rule answers an error.
            const string Attestors = "requiredAttestors";
            body.Sequence(Attestors);
            rule = PolicyParser.ParseRule(body, RuleScope.Default, "", Attestors, []);
        }
        else
        {
            reader.Problems.Missing(reader.Node.Mark, "rule", "write rule: {evaluationMode, enforcementMode}");
        }

        reader.End();
        return new PlatformPolicy { Name = name, Allowlist = allowlist, CloudRunRule = rule };
    }

    private static NamePatternSet ParseImageAllowlist(MappingReader reader)
    {
        if (reader.Mapping("imageAllowlist") is not { } allowlist)
        {
            return new NamePatternSet([]);
        }

        var patterns = allowlist.Values<NamePattern>("allowPattern", PolicyParser.ParsePattern);
        allowlist.End();
        return new NamePatternSet(patterns);
    }

    private static bool ParseNamespace(string text, out string value, out string problem)
    {
        (value, problem) = (text, "write a namespace");
        return WorkloadNames.IsLabel(text);
    }

    private static bool ParseServiceAccount(string text, out string value, out string problem)
    {
        (value, problem) = (text, "write namespace:serviceaccount");
        return WorkloadNames.IsServiceAccount(text);
    }

    private static bool ParseDirectory(string text, out DirectoryPattern pattern, out string problem)
    {
        var valid = DirectoryPattern.TryParse(text, out var parsed, out problem);
        pattern = parsed!;
        return valid;
    }
}

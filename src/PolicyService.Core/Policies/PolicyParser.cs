using System.Collections.Frozen;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;

namespace PolicyService.Core.Policies;

/// <summary>
/// Reads the <c>Policy</c> document of Binary Authorization, for projects and for the system policy. Anything the API would refuse is
/// refused: unknown fields, unspecified modes, two kinds of specific rules.
/// </summary>
public static class PolicyParser
{
    private static readonly (string Field, RuleScope Scope)[] RuleMaps =
    [
        ("clusterAdmissionRules", RuleScope.Cluster),
        ("kubernetesNamespaceAdmissionRules", RuleScope.Namespace),
        ("kubernetesServiceAccountAdmissionRules", RuleScope.ServiceAccount),
        ("istioServiceIdentityAdmissionRules", RuleScope.IstioIdentity),
    ];

    /// <summary>The policy, or null with every reason in <paramref name="problems"/>.</summary>
    public static Policy? Parse(DocumentNode? node, string etag, ProblemList problems)
    {
        if (MappingReader.Of(node, "the policy", problems) is not { } reader)
        {
            return null;
        }

        var project = reader.Value<string>("name", ParsePolicyName);
        var usesSystemPolicy = reader.Value<bool>("globalPolicyEvaluationMode", ParseGlobalMode);
        var allowlist = ParseAllowlist(reader, "admissionWhitelistPatterns");
        var (scope, specific) = ParseSpecificRules(reader);
        var rule = ParseDefaultRule(reader);
        PassOver(reader, "description", "etag", "updateTime");
        reader.End();
        return problems.HasErrors || rule is null
            ? null
            : new Policy
            {
                Project = project,
                Etag = etag,
                UsesSystemPolicy = usesSystemPolicy,
                Allowlist = allowlist,
                SpecificScope = scope,
                SpecificRules = specific.ToFrozenDictionary(StringComparer.Ordinal),
                DefaultRule = rule,
            };
    }

    /// <summary>The system policy: a policy document of which only the allowlist counts.</summary>
    public static SystemPolicy? ParseSystem(DocumentNode? node, ProblemList problems)
    {
        if (MappingReader.Of(node, "the system policy", problems) is not { } reader)
        {
            return null;
        }

        var allowlist = ParseAllowlist(reader, "admissionWhitelistPatterns");
        reader.Value<bool>("globalPolicyEvaluationMode", ParseGlobalMode);
        if (reader.Mapping("defaultAdmissionRule") is { } rule)
        {
            ParseRule(rule, RuleScope.Default, "");
        }

        PassOver(reader, "name", "description", "etag", "updateTime");
        reader.End();
        return problems.HasErrors ? null : new SystemPolicy(allowlist);
    }

    /// <summary>A list of <c>{namePattern: …}</c>.</summary>
    internal static NamePatternSet ParseAllowlist(MappingReader reader, string field)
    {
        var patterns = reader.Mappings(field, item => item.Required<NamePattern>("namePattern", ParsePattern, "write namePattern: <registry>/<path>"));
        return new NamePatternSet(patterns);
    }

    internal static bool ParsePattern(string text, out NamePattern pattern, out string problem)
    {
        var valid = NamePattern.TryParse(text, out var parsed, out var why);
        (pattern, problem) = (parsed!, why ?? "");
        return valid;
    }

    internal static void PassOver(MappingReader reader, params ReadOnlySpan<string> fields)
    {
        foreach (var field in fields)
        {
            reader.Text(field);
        }
    }

    internal static AdmissionRule? ParseRule(MappingReader reader, RuleScope scope, string key)
    {
        const string Attestors = "requireAttestationsBy";
        return ParseRule(reader, scope, key, Attestors, [.. reader.Values<AttestorName>(Attestors, AttestorName.Parse).Distinct()]);
    }

    /// <summary>A rule whose attestors stand in <paramref name="field"/>, which the caller has read.</summary>
    internal static AdmissionRule? ParseRule(MappingReader reader, RuleScope scope, string key, string field, IReadOnlyList<AttestorName> attestors)
    {
        var evaluation = reader.Required<EvaluationMode>("evaluationMode", ParseEvaluationMode, "write ALWAYS_ALLOW, ALWAYS_DENY or REQUIRE_ATTESTATION");
        var enforcement = reader.Required<EnforcementMode>("enforcementMode", ParseEnforcementMode, "write ENFORCED_BLOCK_AND_AUDIT_LOG or DRYRUN_AUDIT_LOG_ONLY");
        var mark = reader.MarkOf(field);
        var listed = reader.Node.Entries.Any(entry => entry.Key == field && entry.Value is SequenceNode { Items.Count: > 0 });
        reader.End();
        if (attestors.Count > Limits.AttestorsPerRule)
        {
            reader.Problems.Error(mark, $"{field} names {attestors.Count} attestors, more than {Limits.AttestorsPerRule}", "name fewer");
        }

        if (evaluation is EvaluationMode.RequireAttestation && !listed)
        {
            reader.Problems.Error(mark, $"REQUIRE_ATTESTATION without {field}", "name at least one attestor");
        }
        else if (evaluation is EvaluationMode.AlwaysAllow or EvaluationMode.AlwaysDeny && listed)
        {
            reader.Problems.Error(mark, $"{field} beside a mode that asks for no attestation", "remove it, or write REQUIRE_ATTESTATION");
        }

        return evaluation is EvaluationMode.Unspecified || enforcement is EnforcementMode.Unspecified
            ? null
            : new AdmissionRule(scope, key, evaluation, enforcement, attestors);
    }

    private static AdmissionRule? ParseDefaultRule(MappingReader reader)
    {
        const string Field = "defaultAdmissionRule";
        if (reader.Mapping(Field) is { } rule)
        {
            return ParseRule(rule, RuleScope.Default, "");
        }

        if (!reader.Node.Entries.Any(entry => entry.Key == Field && !entry.Value.IsNull))
        {
            reader.Problems.Missing(reader.Node.Mark, Field, "add the rule for requests no specific rule matches");
        }

        return null;
    }

    private static (RuleScope Scope, Dictionary<string, AdmissionRule> Rules) ParseSpecificRules(MappingReader reader)
    {
        var (chosen, rules) = (RuleScope.Default, new Dictionary<string, AdmissionRule>(StringComparer.Ordinal));
        foreach (var (field, scope) in RuleMaps)
        {
            var entries = reader.Entries(field);
            if (entries.Count == 0)
            {
                continue;
            }

            if (chosen is not RuleScope.Default)
            {
                reader.Problems.Error(reader.MarkOf(field), $"`{field}` is a second kind of specific rules", "keep one of the four rule maps");
            }

            chosen = scope;
            foreach (var entry in entries)
            {
                AddRule(entry, scope, rules, reader.Problems);
            }
        }

        return (chosen, rules);
    }

    private static void AddRule(MappingEntry entry, RuleScope scope, Dictionary<string, AdmissionRule> rules, ProblemList problems)
    {
        if (!TryNormalizeKey(entry.Key, scope, out var key, out var remedy))
        {
            problems.Error(entry.Mark, $"`{Shown.Value(entry.Key)}` is no key of these rules", remedy);
        }
        else if (rules.ContainsKey(key))
        {
            problems.Error(entry.Mark, $"`{Shown.Value(entry.Key)}` names what another key names", "keep one of the two");
        }

        if (MappingReader.Of(entry.Value, "the rule", problems) is { } reader)
        {
            if (ParseRule(reader, scope, entry.Key) is { } rule)
            {
                rules.TryAdd(key, rule);
            }
        }
    }

    private static bool TryNormalizeKey(string text, RuleScope scope, out string key, out string remedy)
    {
        key = text;
        switch (scope)
        {
            case RuleScope.Cluster:
                remedy = "write location.clusterId";
                return WorkloadNames.IsCluster(text);
            case RuleScope.Namespace:
                remedy = "write the namespace: lower-case letters, digits and hyphens, at most 63";
                return WorkloadNames.IsLabel(text);
            case RuleScope.ServiceAccount:
                remedy = "write namespace:serviceaccount";
                return WorkloadNames.IsServiceAccount(text);
            default:
                remedy = "write spiffe://<domain>/ns/<namespace>/sa/<service account>";
                var valid = WorkloadNames.TryNormalizeIstioIdentity(text, out var identity);
                key = identity ?? text;
                return valid && text.Length <= Limits.LongStringBytes;
        }
    }

    private static bool ParsePolicyName(string text, out string project, out string problem)
    {
        problem = "write projects/<project>/policy";
        var valid = text.Split('/') is ["projects", var id, "policy"] && ResourceNames.IsProject(id);
        project = valid ? text.Split('/')[1] : "";
        return valid;
    }

    private static bool ParseGlobalMode(string text, out bool enabled, out string problem)
    {
        problem = "write ENABLE or DISABLE";
        enabled = text is "ENABLE";
        // Unspecified means DISABLE here, and only here.
        return text is "ENABLE" or "DISABLE" or "GLOBAL_POLICY_EVALUATION_MODE_UNSPECIFIED";
    }

    private static bool ParseEvaluationMode(string text, out EvaluationMode mode, out string problem)
    {
        problem = "write ALWAYS_ALLOW, ALWAYS_DENY or REQUIRE_ATTESTATION";
        mode = text switch
        {
            "ALWAYS_ALLOW" => EvaluationMode.AlwaysAllow,
            "ALWAYS_DENY" => EvaluationMode.AlwaysDeny,
            "REQUIRE_ATTESTATION" => EvaluationMode.RequireAttestation,
            _ => EvaluationMode.Unspecified,
        };
        return mode is not EvaluationMode.Unspecified;
    }

    private static bool ParseEnforcementMode(string text, out EnforcementMode mode, out string problem)
    {
        problem = "write ENFORCED_BLOCK_AND_AUDIT_LOG or DRYRUN_AUDIT_LOG_ONLY";
        mode = text switch
        {
            "ENFORCED_BLOCK_AND_AUDIT_LOG" => EnforcementMode.Enforce,
            "DRYRUN_AUDIT_LOG_ONLY" => EnforcementMode.DryRun,
            _ => EnforcementMode.Unspecified,
        };
        return mode is not EnforcementMode.Unspecified;
    }
}

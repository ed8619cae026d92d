using k8s.Models;

namespace PolicyService.Cli.Doctor;

/// <summary>Label selectors as the API server evaluates them.</summary>
internal static class Selectors
{
    /// <summary>The label every namespace has, which only the API server writes.</summary>
    public const string NameLabel = "kubernetes.io/metadata.name";

    /// <summary>Null and empty select everything.</summary>
    public static bool Selects(this V1LabelSelector? selector, V1Namespace space) => selector.WhyNot(space) is null;

    /// <summary>The requirement that leaves a namespace out; null: none does.</summary>
    public static string? WhyNot(this V1LabelSelector? selector, V1Namespace space)
    {
        var labels = new Dictionary<string, string>(space.Metadata.Labels ?? new Dictionary<string, string>(), StringComparer.Ordinal) { [NameLabel] = space.Metadata.Name };
        foreach (var (key, value) in selector?.MatchLabels ?? new Dictionary<string, string>())
        {
            if (labels.GetValueOrDefault(key) != value)
            {
                return $"{key}={value}";
            }
        }

        return (selector?.MatchExpressions ?? []).FirstOrDefault(expression => !Holds(expression, labels)) is { } failed
            ? $"{failed.Key} {failed.OperatorProperty}{(failed.Values is { Count: > 0 } values ? $" ({string.Join(", ", values)})" : "")}"
            : null;
    }

    /// <summary>Keys that decide but are nobody's name: whoever may label a namespace decides by them.</summary>
    public static IReadOnlyList<string> OtherKeys(this V1LabelSelector? selector) =>
        [.. (selector?.MatchLabels?.Keys ?? []).Concat((selector?.MatchExpressions ?? []).Select(expression => expression.Key)).Where(key => key != NameLabel).Distinct()];

    public static bool IsEmpty(this V1LabelSelector? selector) => selector is null or { MatchLabels: null or { Count: 0 }, MatchExpressions: null or { Count: 0 } };

    private static bool Holds(V1LabelSelectorRequirement requirement, Dictionary<string, string> labels)
    {
        var has = labels.TryGetValue(requirement.Key, out var value);
        return requirement.OperatorProperty switch
        {
            "In" => has && (requirement.Values ?? []).Contains(value!),
            "NotIn" => !has || !(requirement.Values ?? []).Contains(value!),
            "Exists" => has,
            "DoesNotExist" => !has,
            // An operator of a later version: what it selects is not known, so it is taken for nothing.
            _ => false,
        };
    }
}

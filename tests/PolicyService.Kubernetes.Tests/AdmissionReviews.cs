using System.Text.Json.Nodes;

namespace PolicyService.Kubernetes.Tests;

/// <summary>Reviews as an API server sends them, built by hand.</summary>
internal static class AdmissionReviews
{
    public const string Uid = "45a15999-6373-435c-9d89-c91051ed6a49";
    public const string Namespace = "t2";

    /// <summary>A container; without a name for <c>null</c>.</summary>
    public static JsonObject Container(string name, string image) => new() { ["name"] = name, ["image"] = image };

    public static JsonArray Containers(params (string Name, string Image)[] containers) =>
        [.. containers.Select(container => Container(container.Name, container.Image))];

    public static JsonObject Pod(params string[] images) => Pod(Containers([.. images.Select((image, index) => ($"c{index}", image))]));

    public static JsonObject Pod(JsonArray containers) => new()
    {
        ["kind"] = "Pod",
        ["apiVersion"] = "v1",
        ["metadata"] = new JsonObject { ["name"] = "web", ["namespace"] = Namespace },
        ["spec"] = new JsonObject { ["containers"] = containers },
    };

    /// <summary>An object with the template of a pod at a path.</summary>
    public static JsonObject Owner(string kind, string path, params string[] images)
    {
        var pod = Pod(images);
        pod.Remove("kind");
        pod.Remove("apiVersion");
        pod.Remove("metadata");
        JsonNode inner = pod;
        foreach (var step in path.Split('.').Reverse())
        {
            inner = step.EndsWith("[*]", StringComparison.Ordinal) ? new JsonObject { [step[..^3]] = new JsonArray(inner) } : new JsonObject { [step] = inner };
        }

        var owner = inner.AsObject();
        owner["kind"] = kind;
        owner["metadata"] = new JsonObject { ["name"] = "web", ["namespace"] = Namespace };
        return owner;
    }

    public static JsonObject Create(JsonObject? obj, string group = "", string? kind = null, bool dryRun = false) => Review(obj, null, "CREATE", group, kind, "", dryRun);

    public static JsonObject Update(JsonObject? obj, JsonObject? old, string subResource = "", string group = "") => Review(obj, old, "UPDATE", group, null, subResource, false);

    public static JsonObject Review(JsonObject? obj, JsonObject? old, string operation, string group = "", string? kind = null, string subResource = "", bool dryRun = false) => new()
    {
        ["kind"] = "AdmissionReview",
        ["apiVersion"] = "admission.k8s.io/v1",
        ["request"] = new JsonObject
        {
            ["uid"] = Uid,
            ["kind"] = new JsonObject { ["group"] = group, ["version"] = "v1", ["kind"] = kind ?? (obj ?? old)!["kind"]!.GetValue<string>() },
            ["resource"] = new JsonObject { ["group"] = group, ["version"] = "v1", ["resource"] = "things" },
            ["subResource"] = subResource,
            ["name"] = "web",
            ["namespace"] = Namespace,
            ["operation"] = operation,
            ["userInfo"] = new JsonObject { ["username"] = "admin" },
            ["object"] = obj?.DeepClone(),
            ["oldObject"] = old?.DeepClone(),
            ["dryRun"] = dryRun,
            ["options"] = null,
        },
    };

    public static JsonObject With(this JsonObject obj, string path, JsonNode? value)
    {
        var changed = obj.DeepClone().AsObject();
        var steps = path.Split('.');
        var place = changed;
        foreach (var step in steps[..^1])
        {
            place = (place[step] ??= new JsonObject()).AsObject();
        }

        place[steps[^1]] = value;
        return changed;
    }

    public static JsonObject Annotated(this JsonObject obj, string key, string value)
    {
        var changed = obj.DeepClone().AsObject();
        (changed["metadata"]!["annotations"] ??= new JsonObject())[key] = value;
        return changed;
    }

    public static JsonObject Labelled(this JsonObject obj, string key, string value)
    {
        var changed = obj.DeepClone().AsObject();
        (changed["metadata"]!["labels"] ??= new JsonObject())[key] = value;
        return changed;
    }

    public static string ImageReview(string? annotation, params string[] images) => new JsonObject
    {
        ["kind"] = "ImageReview",
        ["apiVersion"] = "imagepolicy.k8s.io/v1alpha1",
        ["metadata"] = new JsonObject { ["creationTimestamp"] = null },
        ["spec"] = new JsonObject
        {
            ["containers"] = new JsonArray([.. images.Select(image => new JsonObject { ["image"] = image })]),
            ["annotations"] = annotation is null ? null : new JsonObject { [annotation] = "true" },
            ["namespace"] = Namespace,
        },
        ["status"] = new JsonObject { ["allowed"] = false },
    }.ToJsonString();
}

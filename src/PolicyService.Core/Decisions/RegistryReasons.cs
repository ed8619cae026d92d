namespace PolicyService.Core.Decisions;

/// <summary>What is said of registries that are not asked.</summary>
public static class RegistryReasons
{
    /// <summary>Why nobody looks for signatures beside the image: it names no repository, or one whose registry may not be asked.</summary>
    public static string NotAsked(Selection selection)
    {
        var name = selection.Request.Image.Name;
        return name.Length == 0
            ? "a bare digest names no repository, so no signature beside it was looked for"
            : $"the registry `{name[..name.IndexOf('/')]}` is not among the registries of options.yaml, so no signature beside the image was looked for";
    }

    /// <summary>Whether the image's registry is one that may be asked.</summary>
    internal static bool IsAsked(Selection selection)
    {
        var slash = selection.Request.Image.Name.IndexOf('/');
        return slash > 0 && selection.Options.Registries.ContainsKey(selection.Request.Image.Name[..slash]);
    }
}

using k8s;
using k8s.Models;
using NJsonSchema;
using PolicyService.Cli.Tests.Running;
using YamlDotNet.RepresentationModel;

namespace PolicyService.Cli.Tests.Deploy;

/// <summary>The Helm chart is made of the kustomize base, and says the same.</summary>
public sealed class ChartTests : IDisposable
{
    private static readonly string Chart = Path.Combine(Overlay.Source, "helm", "policyservice");

    private readonly Folder _folder = new();

    [Fact]
    public async Task Templates_are_what_the_generator_writes()
    {
        var start = Overlay.StartInfo("bash", Path.Combine(Overlay.Source, "helm", "generate.sh"), _folder.Path);
        start.Environment["KUSTOMIZE"] = string.Join(' ', Overlay.Kustomize);
        var run = await Policyctl.RunAsync(start);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));

        Assert.Equal(Read(_folder.Path), Read(Path.Combine(Chart, "templates")));
    }

    [Fact]
    public async Task Chart_renders_the_objects_of_the_overlay()
    {
        var overlay = await Overlay.Of("on-prem");

        var rendered = Render(values => With(values, overlay));

        Assert.Equal(Texts(Overlay.Parse(overlay.Yaml)), Texts(rendered));
    }

    [Fact]
    public async Task Values_reach_their_places()
    {
        var overlay = await Overlay.Of("on-prem");

        var rendered = Render(values =>
        {
            With(values, overlay);
            ((YamlSequenceNode)values["failOpenNamespaces"]).Add("telemetry");
            ((YamlSequenceNode)values["exemptNamespaces"]).Add("databases");
            Set(values, "templates.mode", "ENFORCE");
            Set(values, "mutate.enabled", "true");
            Set(values, "service.url", "https://policy.example.com:50051");
            Set(values, "adapter.replicas", "3");
        });

        var webhooks = rendered.All<V1ValidatingWebhookConfiguration>().Single().Webhooks.ToDictionary(webhook => webhook.Name.Split('.')[0], webhook => string.Join(' ', webhook.NamespaceSelector.MatchExpressions.Single().Values));
        Assert.Equal("policyservice-system kube-system databases telemetry", webhooks["closed"]);
        Assert.Equal(webhooks["closed"], webhooks["templates"]);
        Assert.Equal("none.invalid telemetry", webhooks["open"]);
        Assert.Equal(["kube-system", "databases"], rendered.One<V1ValidatingAdmissionPolicyBinding>("policyservice-allowed-images-kube-system").Spec.MatchResources.NamespaceSelector.MatchExpressions.Single().Values);
        Assert.Equal("policyservice-system kube-system databases", string.Join(' ', rendered.All<V1MutatingWebhookConfiguration>().Single().Webhooks.Single().NamespaceSelector.MatchExpressions.Single().Values));
        var adapter = rendered.One<V1Deployment>("policyservice-adapter").Spec.Template.Spec.Containers[0];
        Assert.Contains("--Service:Url=https://policy.example.com:50051", adapter.Args);
        Assert.Equal(["ENFORCE", "true"], adapter.Env.Where(variable => variable.Name is "Templates__Mode" or "Mutate__Enabled").Select(variable => variable.Value).Order(StringComparer.Ordinal));
        Assert.Equal((3, 2), (rendered.One<V2HorizontalPodAutoscaler>("policyservice-adapter").Spec.MinReplicas, rendered.One<V2HorizontalPodAutoscaler>("policyservice").Spec.MinReplicas));
    }

    [Theory]
    [InlineData("images.server.digest", "latest")]
    [InlineData("caBundle", "")]
    [InlineData("templates.mode", "enforce")]
    [InlineData("cluster.name", "prod\n  x: y")]
    [InlineData("service.url", "http://policyservice:50051")]
    public async Task Values_that_would_render_nonsense_are_refused_by_the_schema(string path, string value)
    {
        var overlay = await Overlay.Of("on-prem");
        var schema = await JsonSchema.FromJsonAsync(await File.ReadAllTextAsync(Path.Combine(Chart, "values.schema.json"), TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
        var good = With(Values(), overlay);
        Assert.Empty(schema.Validate(JsonOf(good)));

        Set(good, path, value);

        Assert.NotEmpty(schema.Validate(JsonOf(good)));
    }

    [Theory]
    [InlineData("{{ include \"x\" . }}")]
    [InlineData("{{ .Values.cluster.name | quote }}")]
    [InlineData("{{- with .Values.cluster }}{{- end }}")]
    [InlineData("{{ .Values.cluster.name }}{{- end }}")]
    [InlineData("{{.Values.cluster.name}}")]
    public void Renderer_fails_on_what_it_does_not_know(string template) =>
        Assert.Throws<FormatException>(() => new ChartRenderer(Values(), "x").Render(template));

    public void Dispose() => _folder.Dispose();

    private static Overlay Render(Action<YamlMappingNode> change)
    {
        var values = Values();
        change(values);
        var renderer = new ChartRenderer(values, "policyservice-system");
        var documents = Directory.GetFiles(Path.Combine(Chart, "templates")).Order(StringComparer.Ordinal).Select(file => renderer.Render(File.ReadAllText(file)))
            .Where(text => text.Contains("kind:", StringComparison.Ordinal));
        return Overlay.Parse(string.Join("\n---\n", documents));
    }

    /// <summary>The values that the overlay has in its settings and certificates.</summary>
    private static YamlMappingNode With(YamlMappingNode values, Overlay overlay)
    {
        var settings = overlay.One<V1ConfigMap>("policyservice-installation").Data;
        Set(values, "cluster.name", settings["cluster"]);
        Set(values, "cluster.project", settings["project"]);
        Set(values, "caBundle", overlay.One<V1ConfigMap>("policyservice-authorities").Data["caBundle"]);
        return values;
    }

    private static void Set(YamlMappingNode values, string path, string value)
    {
        var names = path.Split('.');
        ((YamlScalarNode)names.Aggregate((YamlNode)values, (node, name) => node[name])).Value = value;
    }

    private static YamlMappingNode Values()
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(File.ReadAllText(Path.Combine(Chart, "values.yaml"))));
        return (YamlMappingNode)stream.Documents[0].RootNode;
    }

    private static string JsonOf(YamlNode node) => node switch
    {
        YamlMappingNode map => $"{{{string.Join(',', map.Children.Select(pair => $"{JsonOf(pair.Key)}:{JsonOf(pair.Value)}"))}}}",
        YamlSequenceNode list => $"[{string.Join(',', list.Children.Select(JsonOf))}]",
        YamlScalarNode { Value: "true" or "false" } flag => flag.Value!,
        YamlScalarNode scalar when int.TryParse(scalar.Value, out _) => scalar.Value!,
        YamlScalarNode scalar => System.Text.Json.JsonSerializer.Serialize(scalar.Value),
        _ => throw new FormatException(),
    };

    private static SortedDictionary<string, string> Read(string directory) =>
        new(Directory.GetFiles(directory).ToDictionary(file => Path.GetFileName(file), File.ReadAllText, StringComparer.Ordinal), StringComparer.Ordinal);

    /// <summary>All but what the chart leaves to Helm and to whoever has the keys. The order of variables, which none here refers to, is put aside.</summary>
    private static List<string> Texts(Overlay objects)
    {
        foreach (var container in objects.Deployments.SelectMany(deployment => deployment.Spec.Template.Spec.Containers))
        {
            container.Env = [.. container.Env.OrderBy(variable => variable.Name, StringComparer.Ordinal)];
        }

        return [.. objects.Objects.Where(found => found is not (V1Namespace or V1Secret)).Select(found => $"{found.Kind} {found.Metadata.Name} {KubernetesJson.Serialize(found)}").Order(StringComparer.Ordinal)];
    }
}

using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Manifests;

/// <summary>An image in an object of a kind that is not read. Nobody may take the silence about it for its admission.</summary>
public sealed class UnreadImagesTests : IDisposable
{
    private const string Good = "{apiVersion: v1, kind: Pod, metadata: {namespace: shop}, spec: {serviceAccountName: web, containers: [{image: registry.example.com/shop/web}]}}";
    private readonly Folder _folder = new();

    public UnreadImagesTests() => _folder.Write("policies/policy.yaml", Folder.RequireByNamespace);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("{apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: {name: w}, spec: {templates: [{container: {image: a}}, {script: {image: b}}, {initContainers: [{image: c}], containerSet: {containers: [{image: d}]}}]}}", "Workflow `w`: 4 images in it were")]
    [InlineData("{apiVersion: tekton.dev/v1, kind: Task, metadata: {name: t}, spec: {steps: [{name: s, image: a}]}}", "Task `t`: 1 image in it was")]
    [InlineData("{apiVersion: kubeflow.org/v1, kind: MPIJob, metadata: {name: m}, spec: {mpiReplicaSpecs: {Worker: {template: {spec: {containers: [{image: a}]}}}}}}", "MPIJob `m`: 1 image in it was")]
    [InlineData("{apiVersion: example.com/v1, kind: Database, metadata: {name: d}, spec: {imageName: a}}", "Database `d`: 1 image in it was")]
    [InlineData("{apiVersion: example.com/v1, kind: Database, spec: {image: {repository: a, tag: b}}}", "Database: 1 image in it was")]
    [InlineData("{apiVersion: example.com/v1, kind: Database, spec: {containers: [{name: filled-in}]}}", "Database: 1 image in it was")]
    [InlineData("{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: v}, spec: {template: {spec: {volumes: [{containerDisk: {image: a}}]}}}}", "VirtualMachine `v`: 1 image in it was")]
    [InlineData("{apiVersion: example.com/v1, kind: Mixed, metadata: {name: m}, spec: {sidecar: {image: a}, template: {spec: {containers: [{image: registry.example.com/shop/web}]}}}}", "Mixed `m`: 1 image in it was")]
    [InlineData("{apiVersion: v1, kind: List, items: [{apiVersion: tekton.dev/v1, kind: Task, metadata: {name: t}, spec: {steps: [{image: a}]}}]}", "Task `t`: 1 image in it was")]
    [InlineData("{apiVersion: example.com/v1, kind: \"a\\u202eb\", spec: {image: a}}", "a\\u202eb: 1 image in it was")]
    public async Task Image_that_is_not_read_is_a_warning(string unread, string said)
    {
        var file = _folder.Write("file.yaml", $"{Good}\n---\n{unread}\n");

        var run = await Ask(file);

        var line = Assert.Single(run.ErrorLines, line => line.Contains("not evaluated", StringComparison.Ordinal));
        Assert.StartsWith($"policyctl: {file}:3:", line, StringComparison.Ordinal);
        Assert.Contains($": warning: document 2, {said} not evaluated, because", line, StringComparison.Ordinal);
        Assert.Contains("registry.example.com/shop/web", run.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {image: a, containers: b}}")]
    [InlineData("{apiVersion: v1, kind: PersistentVolume, spec: {rbd: {image: a}}}")]
    [InlineData("{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, spec: {versions: [{schema: {properties: {image: {type: string}}}}]}}")]
    [InlineData("{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, spec: {metrics: [{containerResource: {container: web}}]}}")]
    [InlineData("{apiVersion: example.com/v1, kind: Thing, metadata: {annotations: {image: a}}, spec: {size: 1}, status: {image: a}}")]
    [InlineData("{apiVersion: serving.knative.dev/v1, kind: Service, spec: {template: {metadata: {namespace: shop}, spec: {containers: [{image: registry.example.com/shop/web}]}}}}")]
    [InlineData("{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: {containers: [{image: a}], volumes: [{image: {reference: b}}, {rbd: {image: c}}]}}}}")]
    [InlineData("{apiVersion: example.com/v1, kind: Pods, spec: {template: {spec: {containers: [{image: a}], volumes: [{image: {reference: b, pullPolicy: Always}}]}}}}")]
    public async Task Object_without_further_images_is_passed_over(string other)
    {
        var run = await Ask(_folder.Write("file.yaml", $"{Good}\n---\n{other}\n"));

        Assert.Equal("", run.Error);
    }

    [Fact]
    public async Task Exit_code_is_that_of_what_was_evaluated_and_without_any_wrong_usage()
    {
        const string Task = "{apiVersion: tekton.dev/v1, kind: Task, metadata: {name: t}, spec: {steps: [{image: a}]}}";

        Assert.Equal(0, (await Ask(_folder.Write("both.yaml", $"{Good}\n---\n{Task}\n"))).ExitCode);
        var alone = await Ask(_folder.Write("alone.yaml", Task));
        Assert.Equal((2, ""), (alone.ExitCode, alone.Text));
        Assert.Contains("none of the images in it can be evaluated; ", alone.ErrorLines[0], StringComparison.Ordinal);
        Assert.Contains("document 1, Task `t`: 1 image in it was not evaluated", alone.ErrorLines[1], StringComparison.Ordinal);
    }

    private Task<Run> Ask(string file) =>
        Policyctl.RunHereAsync(["evaluate", "-f", file, "--cluster", "a.b", "--policies", _folder["policies"], "--at", "2026-01-31T12:00:00Z"], "");
}

using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;

namespace PolicyService.Cli.Doctor;

/// <summary>The cluster cannot be asked, or does not say what matters. The message is one line, with the remedy.</summary>
internal sealed class ClusterException(string message) : Exception(message);

/// <summary>Reads what <see cref="Diagnosis"/> judges: only GET requests, lists in pages and never without end.</summary>
internal sealed class ClusterReader(IKubernetes client, ApiServerClock clock)
{
    /// <summary>Objects of one page.</summary>
    private const int PageSize = 500;

    /// <summary>Most pages of one list: 100,000 objects.</summary>
    private const int MostPages = 200;

    private readonly List<Finding> _unread = [];

    /// <exception cref="ClusterException">The API server does not answer, or refuses what nothing can be said without.</exception>
    public async Task<ClusterState> ReadAsync(Installation installation, CancellationToken cancellation)
    {
        var (core, admission) = (client.CoreV1, client.AdmissionregistrationV1);
        var state = new ClusterState(installation)
        {
            Namespaces = await List("namespaces", async next => await core.ListNamespaceAsync(limit: PageSize, continueParameter: next, cancellationToken: cancellation), list => list.Items),
            Validating = await List("validatingwebhookconfigurations", async next => await admission.ListValidatingWebhookConfigurationAsync(limit: PageSize, continueParameter: next, cancellationToken: cancellation), list => list.Items),
            Mutating = await List("mutatingwebhookconfigurations", async next => await admission.ListMutatingWebhookConfigurationAsync(limit: PageSize, continueParameter: next, cancellationToken: cancellation), list => list.Items),
            Pods = await List(
                "pods",
                async next => await core.ListPodForAllNamespacesAsync(limit: PageSize, continueParameter: next, cancellationToken: cancellation),
                list => list.Items.Where(pod => pod.Status?.Phase is not ("Succeeded" or "Failed")).Select(pod => new RunningPod(pod.Metadata.NamespaceProperty, pod.Metadata.Name))),
            Policies = await Optional("validatingadmissionpolicies", () => List("validatingadmissionpolicies", async next => await admission.ListValidatingAdmissionPolicyAsync(limit: PageSize, continueParameter: next, cancellationToken: cancellation), list => list.Items)) ?? [],
            Bindings = await Optional("validatingadmissionpolicybindings", () => List("validatingadmissionpolicybindings", async next => await admission.ListValidatingAdmissionPolicyBindingAsync(limit: PageSize, continueParameter: next, cancellationToken: cancellation), list => list.Items)) ?? [],
            Adapter = await Optional($"service {installation.Adapter}", () => Asked(() => core.ReadNamespacedServiceAsync(installation.Adapter, installation.Namespace, cancellationToken: cancellation))),
        };
        return state with
        {
            Served = await new ServedCertificateReader(client).ReadAsync(installation, cancellation),
            Ahead = clock.Ahead,
            Unread = _unread,
        };
    }

    private async Task<IReadOnlyList<TItem>> List<TList, TItem>(string name, Func<string?, Task<TList>> page, Func<TList, IEnumerable<TItem>> items)
        where TList : IKubernetesObject<V1ListMeta>
    {
        var read = new List<TItem>();
        string? next = null;
        for (var count = 0; count < MostPages; count++)
        {
            var list = await Asked(() => page(next));
            read.AddRange(items(list) ?? []);
            next = list.Metadata?.ContinueProperty;
            if (string.IsNullOrEmpty(next))
            {
                return read;
            }
        }

        _unread.Add(Finding.Error("LIST_CUT", name, $"there are more than {MostPages * PageSize}: the rest was not looked at", "look at the rest yourself"));
        return read;
    }

    /// <summary>What is looked at where it is there and may be read.</summary>
    private async Task<T?> Optional<T>(string name, Func<Task<T>> read)
        where T : class
    {
        try
        {
            return await read();
        }
        catch (ClusterAnswerException answer) when (answer.Status is HttpStatusCode.NotFound)
        {
            return null;
        }
        catch (ClusterAnswerException answer) when (answer.Status is HttpStatusCode.Forbidden)
        {
            _unread.Add(Finding.Warning("NOT_READABLE", name, "reading it is forbidden, so it counts as absent below", "grant get and list on it"));
            return null;
        }
    }

    private static async Task<T> Asked<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (HttpOperationException refused)
        {
            throw new ClusterAnswerException(refused.Response.StatusCode);
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or System.Text.Json.JsonException or TaskCanceledException { InnerException: TimeoutException })
        {
            throw new ClusterException($"the API server cannot be asked ({broken.GetType().Name}: {broken.Message}): look at --kubeconfig and --context");
        }
    }

    /// <summary>The API server said no.</summary>
    internal sealed class ClusterAnswerException(HttpStatusCode status) : Exception
    {
        public HttpStatusCode Status => status;

        public override string Message => status is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized
            ? $"the API server refuses ({(int)status}): list and get are needed on namespaces, pods, services, webhook configurations and admission policies"
            : $"the API server answers {(int)status}: it cannot be asked now";
    }
}

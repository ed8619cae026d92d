using System.Text;
using Google.Protobuf.Collections;
using PolicyService.Api.V1;
using PolicyService.Core;
using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Decisions;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using InlineAttestation = PolicyService.Core.Decisions.InlineAttestation;

namespace PolicyService.Server.Endpoints;

/// <summary>A field nobody can mean, as INVALID_ARGUMENT names it: the value is escaped and cut.</summary>
public sealed record RequestProblem(string Field, string Message)
{
    public static RequestProblem Of(string field, string value, string problem) => new(field, $"{field}: `{Shown.Value(value)}` is not usable: {problem}");
}

/// <summary>Wire to types: the first hop of a request. What passes here is well-formed, and within the limits of SEMANTICS section 7.</summary>
public static class RequestParser
{
    /// <summary>Reads one request; null and the first problem if a field is out of its grammar.</summary>
    public static EvaluationRequest? Parse(EvaluateRequest wire, CallerGrants grants, out RequestProblem? problem)
    {
        problem = TooLong(wire) ?? Workload(wire) ?? Metadata(wire);
        if (problem is not null)
        {
            return null;
        }

        if (!ImageReference.TryParse(wire.ImageDigest, out var image, out var why))
        {
            problem = RequestProblem.Of("image_digest", wire.ImageDigest, why);
            return null;
        }

        Digest parent = default;
        if (wire.ParentDigest.Length > 0 && !Digest.TryParse(wire.ParentDigest, out parent))
        {
            problem = RequestProblem.Of("parent_digest", wire.ParentDigest, "write sha256: and 64 lower-case hex digits");
            return null;
        }

        var attestations = Attestations(wire.Attestations, out problem);
        return problem is not null
            ? null
            : new EvaluationRequest(image, wire.Cluster)
            {
                Project = wire.Project,
                Namespace = wire.Namespace,
                ServiceAccount = wire.ServiceAccount,
                IstioIdentity = wire.IstioIdentity.Length > 0 && WorkloadNames.TryNormalizeIstioIdentity(wire.IstioIdentity, out var identity) ? identity : "",
                Labels = wire.Labels,
                Annotations = wire.Annotations,
                BreakGlass = wire.BreakGlass is null ? null : new BreakGlassRequest(wire.BreakGlass.Justification),
                Attestations = attestations,
                Grants = grants,
                Preview = wire.Preview,
                ParentDigest = wire.ParentDigest.Length > 0 ? parent : null,
                Explain = wire.Explain,
            };
    }

    private static RequestProblem? TooLong(EvaluateRequest wire) =>
        Limit("image_digest", wire.ImageDigest, Limits.LongStringBytes)
        ?? Limit("cluster", wire.Cluster, Limits.StringBytes)
        ?? Limit("project", wire.Project, Limits.StringBytes)
        ?? Limit("namespace", wire.Namespace, Limits.StringBytes)
        ?? Limit("service_account", wire.ServiceAccount, Limits.StringBytes)
        ?? Limit("istio_identity", wire.IstioIdentity, Limits.LongStringBytes)
        ?? Limit("parent_digest", wire.ParentDigest, Limits.StringBytes)
        ?? Limit("break_glass.justification", wire.BreakGlass?.Justification ?? "", Limits.LongStringBytes);

    internal static RequestProblem? Limit(string field, string value, int limit) =>
        IsWithin(value, limit) ? null : RequestProblem.Of(field, value, $"it has more than {limit} bytes");

    /// <summary>No character of a string takes more than three bytes: most texts need not be counted.</summary>
    private static bool IsWithin(string value, int limit) => value.Length <= limit / 3 || (value.Length <= limit && Encoding.UTF8.GetByteCount(value) <= limit);

    internal static RequestProblem? Place(string cluster, string project)
    {
        if (!WorkloadNames.IsCluster(cluster))
        {
            return RequestProblem.Of("cluster", cluster, "write location.cluster_id: two names of lower-case letters, digits and hyphens");
        }

        return project.Length > 0 && !ResourceNames.IsProject(project) ? RequestProblem.Of("project", project, "write a project id") : null;
    }

    private static RequestProblem? Workload(EvaluateRequest wire)
    {
        if (Place(wire.Cluster, wire.Project) is { } misplaced)
        {
            return misplaced;
        }

        if (wire.Namespace.Length > 0 && !WorkloadNames.IsLabel(wire.Namespace))
        {
            return RequestProblem.Of("namespace", wire.Namespace, "write a DNS-1123 label");
        }

        if (wire.ServiceAccount.Length > 0 && !WorkloadNames.IsSubdomain(wire.ServiceAccount))
        {
            return RequestProblem.Of("service_account", wire.ServiceAccount, "write the bare name of the service account");
        }

        return wire.IstioIdentity.Length > 0 && !WorkloadNames.TryNormalizeIstioIdentity(wire.IstioIdentity, out _)
            ? RequestProblem.Of("istio_identity", wire.IstioIdentity, "write spiffe://<domain>/ns/<namespace>/sa/<service account>")
            : null;
    }

    private static RequestProblem? Metadata(EvaluateRequest wire)
    {
        var bytes = BytesOf(wire.Labels) + BytesOf(wire.Annotations);
        return bytes <= Limits.MetadataBytes
            ? null
            : new RequestProblem("annotations", $"labels and annotations have {bytes} bytes together, more than {Limits.MetadataBytes}: send fewer, they never decide");
    }

    private static long BytesOf(MapField<string, string> pairs)
    {
        var bytes = 0L;
        if (pairs.Count > 0)
        {
            foreach (var (key, value) in pairs)
            {
                bytes += Encoding.UTF8.GetByteCount(key) + Encoding.UTF8.GetByteCount(value);
            }
        }

        return bytes;
    }

    private static InlineAttestation[] Attestations(RepeatedField<Api.V1.InlineAttestation> wire, out RequestProblem? problem)
    {
        problem = null;
        if (wire.Count == 0)
        {
            return [];
        }

        var attestations = new InlineAttestation[wire.Count];
        for (var index = 0; index < wire.Count; index++)
        {
            var item = wire[index];
            if (!IsWithin(item.Attestor, Limits.StringBytes))
            {
                problem = Limit($"attestations[{index}].attestor", item.Attestor, Limits.StringBytes);
                return [];
            }

            if (!AttestorName.TryParse(item.Attestor, out var attestor))
            {
                problem = RequestProblem.Of($"attestations[{index}].attestor", item.Attestor, "write projects/<project>/attestors/<attestor>");
                return [];
            }

            if (!KeyId.TryParse(item.PublicKeyId, out var keyId))
            {
                problem = RequestProblem.Of($"attestations[{index}].public_key_id", item.PublicKeyId, "write the key's id as the attestor has it, at most 1,024 bytes");
                return [];
            }

            var signature = new AttestationSignature(keyId, item.Signature.ToByteArray());
            attestations[index] = new InlineAttestation(
                attestor, new Attestation(item.SerializedPayload.ToByteArray(), [signature]) { Source = EvidenceSource.Inline });
        }

        return attestations;
    }
}

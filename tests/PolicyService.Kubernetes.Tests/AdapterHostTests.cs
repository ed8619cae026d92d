using PolicyService.Kubernetes.Decisions;

namespace PolicyService.Kubernetes.Tests;

public sealed class AdapterHostTests
{
    [Fact]
    public void Zero_refuses_and_fails_closed()
    {
        Assert.Equal(Admission.Refused, default);
        Assert.Equal(FailMode.Closed, default);
    }
}

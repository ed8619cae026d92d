using PolicyService.Api.V1;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests;

public sealed class ExitCodesTests
{
    [Theory]
    [InlineData(Verdict.Allow, Conformance.Conformant, 0)]
    [InlineData(Verdict.Allow, Conformance.NonConformant, 0)]
    [InlineData(Verdict.Allow, Conformance.Error, 0)]
    [InlineData(Verdict.Dryrun, Conformance.NonConformant, 0)]
    [InlineData(Verdict.Dryrun, Conformance.Error, 0)]
    [InlineData(Verdict.Deny, Conformance.NonConformant, 1)]
    [InlineData(Verdict.Deny, Conformance.Error, 3)]
    [InlineData(Verdict.Deny, Conformance.Unspecified, 3)]
    [InlineData(Verdict.Deny, Conformance.Conformant, 3)]
    [InlineData(Verdict.Unspecified, Conformance.Conformant, 3)]
    [InlineData((Verdict)9, Conformance.Conformant, 3)]
    public void Of_follows_the_contract(Verdict verdict, Conformance conformance, int expected) =>
        Assert.Equal(expected, ExitCodes.Of(Samples.Of(verdict, conformance)));

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0, 1)]
    [InlineData(3, 1, 3, 0)]
    [InlineData(3, 3, 1)]
    [InlineData(2, 3, 2, 1, 0)]
    public void Worst_orders_2_before_3_before_1(int expected, params int[] codes) => Assert.Equal(expected, ExitCodes.Worst(codes));
}

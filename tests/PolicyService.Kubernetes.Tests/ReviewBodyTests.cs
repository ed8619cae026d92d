using System.Text;
using PolicyService.Kubernetes.Reviews;

namespace PolicyService.Kubernetes.Tests;

/// <summary>Whose review it is, also where the rest of it cannot be read: without the uid the cluster takes no answer (KUBERNETES.md point 1).</summary>
public sealed class ReviewBodyTests
{
    [Theory]
    [InlineData("""{"request": {"uid": "a", "object": {""", "a")]
    [InlineData("""{"request": {"object": {"metadata": {"uid": "of the object"}}, "uid": "a", "x""", "a")]
    [InlineData("""{"request": {"object": {"metadata": {"uid": "of the object"}}}}""", "")]
    [InlineData("""{"uid": "outside", "response": {"uid": "of an answer"}, "request": {"uid": "a"}}""", "a")]
    [InlineData("""{"x": {"request": {"uid": "too deep"}}}""", "")]
    [InlineData("""{"request": {"uid": 7}}""", "")]
    [InlineData("""{"request": {"uid": ["a"]}}""", "")]
    [InlineData("""{"request": {"uid": "cut""", "")]
    [InlineData("""{"request": {"ui""", "")]
    [InlineData("nothing of the kind", "")]
    [InlineData("", "")]
    public void Uid_is_that_of_the_request(string text, string uid)
    {
        Assert.Equal(uid, Of(text).FindUid());
        Assert.Equal(uid, (Of(text) with { Problem = ReviewProblem.TooLarge("the test says so") }).FindUid());
    }

    [Fact]
    public void Uid_that_no_cluster_writes_is_not_sent_back()
    {
        Assert.Equal(256, Of("{\"request\": {\"uid\": \"" + new string('x', 256) + "\"}}").FindUid().Length);
        Assert.Equal("", Of("{\"request\": {\"uid\": \"" + new string('x', 257) + "\"}}").FindUid());
    }

    private static ReviewBody Of(string text) => new(Encoding.UTF8.GetBytes(text), null);
}

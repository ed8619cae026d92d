using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;
using PolicyService.LoadTests.Documents;
using PolicyService.LoadTests.Scenarios;
using PolicyService.LoadTests.Tests.Running;

namespace PolicyService.LoadTests.Tests.Scenarios;

public sealed class ChangingQuestionsTests
{
    [Theory]
    [InlineData("the version that allows it", "one", Verdict.Allow, true)]
    [InlineData("the version that denies it", "two", Verdict.Deny, true)]
    [InlineData("a verdict of the other version", "two", Verdict.Allow, false)]
    [InlineData("a denial where its version allows", "one", Verdict.Deny, false)]
    [InlineData("a version that never was", "three", Verdict.Allow, false)]
    public void Swapped_policy_must_say_what_its_own_version_says(string name, string etag, Verdict verdict, bool isRight)
    {
        var questions = new SwappedQuestions(new Dictionary<string, string> { ["one"] = "a.one", ["two"] = "a.two" });
        var question = new TestImage(0).Ask(Verdict.Unspecified, "a.one");

        Assert.True(questions.Flaw(question, LyingServer.Answer(question.Request, verdict, etag), 0) is null == isRight, name);
    }

    [Theory]
    [InlineData("allowed before", -1, Verdict.Allow, true)]
    [InlineData("denied before, for no reason", -1, Verdict.Deny, false)]
    [InlineData("allowed at once", 0, Verdict.Allow, true)]
    [InlineData("denied at once", 0, Verdict.Deny, true)]
    [InlineData("allowed late", 4, Verdict.Allow, true)]
    [InlineData("allowed past the bound", 6, Verdict.Allow, false)]
    [InlineData("denied past the bound", 6, Verdict.Deny, true)]
    [InlineData("recorded only, past the bound", 6, Verdict.Dryrun, false)]
    public void Revoked_image_must_not_be_allowed_past_the_bound(string name, int seconds, Verdict verdict, bool isRight)
    {
        var time = new FakeTimeProvider();
        var image = new TestImage(0);
        var questions = new RevocableQuestions([image], time);
        if (seconds >= 0)
        {
            questions.Revoked([image]);
            time.Advance(TimeSpan.FromSeconds(seconds));
        }

        var question = questions.Next();
        var flaw = questions.Flaw(question, LyingServer.Answer(question.Request, verdict), time.GetTimestamp());

        Assert.True(flaw is null == isRight, $"{name}: {flaw}");
    }
}

using System.Net;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Kubernetes.Reviews;

namespace PolicyService.Kubernetes.Tests;

/// <summary>How much of the adapter's memory callers can have.</summary>
public sealed class ReviewRoomTests(StandardAdapter standard) : IClassFixture<StandardAdapter>
{
    private const int Half = ReviewRoom.RoomForLong / 2;
    private readonly ReviewRoom _room = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Long_reviews_wait_for_room_and_short_ones_have_their_own()
    {
        await using var adapter = await TestAdapter.StartAsync(standard.Server.GrpcUrl, configure: services => services.AddSingleton(_room));
        var review = AdmissionReviews.Create(AdmissionReviews.Pod("gcr.io/acme/other")).ToJsonString();
        var taken = await TakeAllAsync();

        using var late = await adapter.ApiServer.PostAsync("/validate?timeout=1s", review + new string(' ', ReviewRoom.ShortBytes));
        using var small = await adapter.ApiServer.PostAsync("/validate?timeout=30s", review);

        Assert.Equal(HttpStatusCode.GatewayTimeout, late.StatusCode);
        Assert.Contains("was no decision within", await late.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, small.StatusCode);
        taken.ForEach(place => place.Dispose());
        using var again = await adapter.ApiServer.PostAsync("/validate?timeout=30s", review + new string(' ', ReviewRoom.ShortBytes));
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    [Fact]
    public void Review_of_nothing_but_values_is_refused_before_they_are_kept()
    {
        var refused = Assert.Throws<ReviewException>(() => ReviewJson.Parse(System.Text.Encoding.UTF8.GetBytes($"[{string.Join(',', Enumerable.Repeat('0', ReviewJson.MaxTokens - 1))}]")));

        Assert.Equal((413, "RequestEntityTooLarge"), (refused.Problem.Code, refused.Problem.Reason));
        Assert.Contains("more than 500000 values", refused.Problem.Message, StringComparison.Ordinal);
        // The two brackets count.
        Assert.Equal(ReviewJson.MaxTokens - 2, ReviewJson.Parse(System.Text.Encoding.UTF8.GetBytes($"[{string.Join(',', Enumerable.Repeat('0', ReviewJson.MaxTokens - 2))}]")).GetArrayLength());
    }

    [Fact]
    public async Task Who_declares_no_length_may_send_the_longest()
    {
        var taken = await TakeAllAsync();

        Assert.False(_room.EnterAsync(null, Cancellation).IsCompleted);
        Assert.True(_room.EnterAsync(0, Cancellation).IsCompleted);
        taken.ForEach(place => place.Dispose());
    }

    [Fact]
    public async Task Who_gives_up_does_not_hold_up_others()
    {
        var first = await _room.EnterAsync(Half, Cancellation);
        var second = await _room.EnterAsync(Half - ReviewRoom.ShortBytes - 1, Cancellation);
        using var ending = new CancellationTokenSource();
        var tooLong = _room.EnterAsync(Half, ending.Token);
        var fits = _room.EnterAsync(ReviewRoom.ShortBytes + 1, Cancellation);
        Assert.False(fits.IsCompleted);

        await ending.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => tooLong);
        var third = await fits.WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
        // Nothing is given back twice, and nothing is lost.
        foreach (var place in new[] { first, second, third, first, second, third })
        {
            place.Dispose();
        }

        Assert.All(await TakeAllAsync(), Assert.NotNull);
        Assert.False(_room.EnterAsync(ReviewRoom.ShortBytes + 1, Cancellation).IsCompleted);
    }

    [Fact]
    public async Task Short_ones_are_bounded_too()
    {
        for (var bytes = 0; bytes < ReviewRoom.RoomForShort; bytes += ReviewRoom.ShortBytes)
        {
            await _room.EnterAsync(ReviewRoom.ShortBytes, Cancellation).WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
        }

        Assert.False(_room.EnterAsync(1, Cancellation).IsCompleted);
    }

    /// <summary>All the room for long ones.</summary>
    private async Task<List<IDisposable>> TakeAllAsync()
    {
        var taken = new List<IDisposable>();
        for (var bytes = 0; bytes < ReviewRoom.RoomForLong; bytes += ReviewBody.MaxBytes)
        {
            taken.Add(await _room.EnterAsync(ReviewBody.MaxBytes, Cancellation).WaitAsync(TimeSpan.FromSeconds(60), Cancellation));
        }

        return taken;
    }
}

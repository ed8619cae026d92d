namespace PolicyService.Kubernetes.Reviews;

/// <summary>
/// Room for the bytes of reviews that are judged at once. Whoever reaches the port may send the longest ones, many at a time, and read they take several times
/// their length: without a bound the adapter would be ended for its memory, and no pod of the cluster would start. What finds no room waits, at most until
/// the webhook's time is over. Short ones, which are nearly all that a cluster sends, have room of their own, so that long ones do not hold them up.
/// </summary>
internal sealed class ReviewRoom
{
    /// <summary>Longest of the short ones; bytes.</summary>
    public const int ShortBytes = 256 * 1024;

    /// <summary>Room for short ones; bytes: 500 pods of the usual 16 kB.</summary>
    public const int RoomForShort = 8 * 1024 * 1024;

    /// <summary>Room for long ones; bytes: two of the longest.</summary>
    public const int RoomForLong = 2 * ReviewBody.MaxBytes;

    /// <summary>What even an empty one costs; bytes.</summary>
    private const int Least = 1024;

    private readonly Part _short = new(RoomForShort);
    private readonly Part _long = new(RoomForLong);

    /// <summary>Takes room for one review; disposing the result gives it back.</summary>
    /// <param name="length">What its sender declares; null: nothing, so it may be the longest. Bytes.</param>
    /// <param name="cancellation">Its time ran out, or the cluster went away.</param>
    /// <exception cref="OperationCanceledException">There was no room in time.</exception>
    public Task<IDisposable> EnterAsync(long? length, CancellationToken cancellation)
    {
        // More than the longest is not kept.
        var bytes = (int)Math.Clamp(length ?? ReviewBody.MaxBytes, Least, ReviewBody.MaxBytes);
        return (bytes <= ShortBytes ? _short : _long).EnterAsync(bytes, cancellation);
    }

    private sealed class Part(long free)
    {
        private readonly Lock _one = new();
        private readonly LinkedList<Place> _waiting = [];
        private long _free = free;

        public async Task<IDisposable> EnterAsync(int bytes, CancellationToken cancellation)
        {
            cancellation.ThrowIfCancellationRequested();
            var place = new Place(this, bytes);
            lock (_one)
            {
                _waiting.AddLast(place);
                LetIn();
            }

            try
            {
                await place.Entered.WaitAsync(cancellation);
                return place;
            }
            catch (OperationCanceledException)
            {
                Leave(place);
                throw;
            }
        }

        public void Leave(Place place)
        {
            lock (_one)
            {
                // Who never got in may have stood before others that fit.
                _free += place.IsIn ? place.Bytes : 0;
                place.IsIn = false;
                _waiting.Remove(place);
                LetIn();
            }
        }

        /// <summary>In their order: a long one must not be overtaken without end.</summary>
        private void LetIn()
        {
            while (_waiting.First?.Value is { } place && place.Bytes <= _free)
            {
                _waiting.RemoveFirst();
                _free -= place.Bytes;
                place.Enter();
            }
        }
    }

    private sealed class Place(Part part, int bytes) : IDisposable
    {
        private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Bytes => bytes;

        public bool IsIn { get; set; }

        public Task Entered => _entered.Task;

        public void Enter()
        {
            IsIn = true;
            _entered.SetResult();
        }

        public void Dispose() => part.Leave(this);
    }
}

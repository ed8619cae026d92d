using Grpc.Core;
using Grpc.Net.Client;
using PolicyService.Api.Clients;

namespace PolicyService.Kubernetes.Connections;

/// <summary>
/// The connection to the service with the credentials as their files hold them now. New ones mean a new channel for the next calls; those under
/// way end on the old one.
/// </summary>
internal sealed partial class ServiceConnection : CallInvoker, IDisposable
{
    /// <summary>How long a channel lives that gets no new calls: longer than any webhook waits.</summary>
    private static readonly TimeSpan Retirement = TimeSpan.FromSeconds(60);

    private readonly AdapterSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger<ServiceConnection> _logger;
    private readonly FileSet _files;
    private readonly List<(GrpcChannel Channel, long Since)> _retired = [];
    private GrpcChannel _channel;
    private CallInvoker _current;

    /// <exception cref="CredentialsException">The credentials cannot be used.</exception>
    public ServiceConnection(AdapterSettings settings, TimeProvider time, ILogger<ServiceConnection> logger)
    {
        (_settings, _time, _logger) = (settings, time, logger);
        _files = new FileSet(settings.ServiceFiles.Watched);
        _channel = Open();
        _current = _channel.CreateCallInvoker();
    }

    private CallInvoker Current => Volatile.Read(ref _current);

    /// <summary>Looks at the files. One caller at a time.</summary>
    public void Look()
    {
        Retire();
        if (!_files.IsNew())
        {
            return;
        }

        try
        {
            var channel = Open();
            _retired.Add((_channel, _time.GetTimestamp()));
            _channel = channel;
            Volatile.Write(ref _current, channel.CreateCallInvoker());
            LogRenewed(_logger);
        }
        catch (CredentialsException exception)
        {
            LogUnusable(_logger, exception.Message);
        }
    }

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        Current.BlockingUnaryCall(method, host, options, request);

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        Current.AsyncUnaryCall(method, host, options, request);

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        Current.AsyncServerStreamingCall(method, host, options, request);

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options) =>
        Current.AsyncClientStreamingCall(method, host, options);

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options) =>
        Current.AsyncDuplexStreamingCall(method, host, options);

    public void Dispose()
    {
        _channel.Dispose();
        _retired.ForEach(retired => retired.Channel.Dispose());
    }

    private GrpcChannel Open() => PolicyDecisionChannel.Open(_settings.Service, _settings.ServiceFiles.Load(), isLongLived: true);

    private void Retire()
    {
        foreach (var retired in _retired.FindAll(retired => _time.GetElapsedTime(retired.Since) > Retirement))
        {
            retired.Channel.Dispose();
            _retired.Remove(retired);
        }
    }

    [LoggerMessage(3201, LogLevel.Information, "The service is asked with new credentials")]
    private static partial void LogRenewed(ILogger logger);

    [LoggerMessage(3202, LogLevel.Error, "New credentials for the service cannot be used: {Problem}; the last good ones stay in use")]
    private static partial void LogUnusable(ILogger logger, string problem);
}

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using PolicyService.Server.Tests.Storage;

[assembly: AssemblyFixture(typeof(PostgresServer))]

namespace PolicyService.Server.Tests.Storage;

/// <summary>A real PostgreSQL on a free port, with its data in a folder of its own; started when a test first asks for it.</summary>
public sealed class PostgresServer : IDisposable
{
    private const string User = "policyservice";
    private const string AsUser = "setpriv";
    private static readonly string[] InNamespace = ["unshare", "--user", "--map-user=65534", "--map-group=65534"];

    private static readonly Lock Starting = new();
    private static PostgresServer? _shared;
    private static int _databases;

    private string? _data;
    private System.Diagnostics.Process? _process;
    private int _port;

    public PostgresServer() => _shared ??= this;

    /// <summary>The one of this run.</summary>
    internal static PostgresServer Shared
    {
        get
        {
            lock (Starting)
            {
                _shared!.Start();
                return _shared;
            }
        }
    }

    /// <summary>One of its own, which a test may stop and start.</summary>
    internal static PostgresServer StartOwn()
    {
        var own = new PostgresServer();
        own.Start();
        return own;
    }

    /// <summary>Connection string of a new, empty database.</summary>
    internal string CreateDatabase()
    {
        var name = $"store{Interlocked.Increment(ref _databases)}";
        Execute(ConnectionString("postgres"), $"CREATE DATABASE {name} TEMPLATE template0");
        return ConnectionString(name);
    }

    internal string ConnectionString(string database) => $"Host=127.0.0.1;Port={_port};Database={database};Username={User};Maximum Pool Size=20";

    internal static void Execute(string connectionString, string sql)
    {
        using var source = NpgsqlDataSource.Create(connectionString + ";Pooling=false");
        using var command = source.CreateCommand(sql);
        command.ExecuteNonQuery();
    }

    /// <summary>As a crash stops it: nothing is said to anybody.</summary>
    internal void Kill() => Stop(Native.SigQuit);

    internal void StartAgain() => Assert.True(TryRun(), "PostgreSQL does not start again");

    /// <summary>Alive and mute, as over a broken network; <see cref="Resume"/> ends it.</summary>
    internal void Pause() => Processes().ForEach(process => Native.Signal(process, Native.SigStop));

    internal void Resume() => Processes().ForEach(process => Native.Signal(process, Native.SigContinue));

    /// <summary>The one we started, first, and those it started for its clients.</summary>
    private List<int> Processes()
    {
        var children = File.ReadAllText($"/proc/{_process!.Id}/task/{_process.Id}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return [_process.Id, .. children.Select(child => int.Parse(child, CultureInfo.InvariantCulture))];
    }

    public void Dispose()
    {
        Stop(Native.SigQuit);
        if (_data is not null)
        {
            Directory.Delete(_data, recursive: true);
        }
    }

    private void Start()
    {
        if (_data is null)
        {
            // Another user may not look into the folder of temporary files of a test run.
            var folder = AsPostgres.Contains(AsUser) ? Read("mktemp", "-d", "/tmp/policyservice-postgres-XXXXXX") : Directory.CreateTempSubdirectory("policyservice-postgres-").FullName;
            _data = folder;
            Read(Binary("initdb"), "--pgdata", _data, "--username", User, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync");
            Run();
        }
    }

    private void Run()
    {
        for (var attempt = 1; ; attempt++)
        {
            _port = FreePort();
            if (TryRun())
            {
                return;
            }

            Assert.True(attempt < 5, "PostgreSQL does not start");
        }
    }

    private bool TryRun()
    {
        _process = Launch(
            Binary("postgres"), "-D", _data!, "-p", _port.ToString(CultureInfo.InvariantCulture), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
            "-c", "max_connections=400", "-c", "fsync=off");
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        return Answers();
    }

    /// <summary>Until it takes connections; false if it ended, because another took the port.</summary>
    private bool Answers()
    {
        while (!_process!.HasExited)
        {
            try
            {
                Execute(ConnectionString("postgres"), "SELECT 1");
                return true;
            }
            catch (NpgsqlException)
            {
                _process.WaitForExit(TimeSpan.FromMilliseconds(50));
            }
        }

        return false;
    }

    private void Stop(int signal)
    {
        if (_process is { HasExited: false })
        {
            Native.Signal(_process.Id, signal);
            _process.WaitForExit();
        }
    }

    /// <summary>
    /// PostgreSQL does not run as root. In a user namespace root is called otherwise and keeps its files and devices; where there are no
    /// namespaces, Debian's package has made a user for it.
    /// </summary>
    private static string[] AsPostgres { get; } = Environment.UserName != "root" ? []
        : Succeeds([.. InNamespace, "true"]) ? InNamespace
        : [AsUser, "--reuid", "postgres", "--regid", "postgres", "--clear-groups"];

    /// <summary>Where Debian puts it, the newest version first.</summary>
    internal static string Binary(string name) =>
        Directory.GetDirectories("/usr/lib/postgresql").OrderByDescending(path => path, StringComparer.Ordinal)
            .Select(path => Path.Combine(path, "bin", name)).First(File.Exists);

    private static System.Diagnostics.Process Launch(string program, params string[] arguments)
    {
        string[] all = [.. AsPostgres, program, .. arguments];
        return Start(all);
    }

    private static bool Succeeds(string[] command)
    {
        using var process = Start(command);
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private static System.Diagnostics.Process Start(string[] all)
    {
        var start = new ProcessStartInfo(all[0]) { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = "/" };
        foreach (var argument in all.Skip(1))
        {
            start.ArgumentList.Add(argument);
        }

        return System.Diagnostics.Process.Start(start)!;
    }

    private static string Read(string program, params string[] arguments)
    {
        using var process = Launch(program, arguments);
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program}: {errors.GetAwaiter().GetResult()}");
        return output.Trim();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

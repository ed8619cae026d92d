namespace PolicyService.Core;

/// <summary>Every limit on untrusted input (SEMANTICS section 7). What lies beyond one is refused, never cut.</summary>
public static class Limits
{
    /// <summary>A gRPC message, a REST body, a document file; bytes.</summary>
    public const int MessageBytes = 4 * 1024 * 1024;

    /// <summary>Images in one batch.</summary>
    public const int BatchImages = 500;

    /// <summary>Findings in one report.</summary>
    public const int Findings = 500;

    /// <summary>Image reference, key id, SPIFFE id, justification; bytes of UTF-8.</summary>
    public const int LongStringBytes = 1024;

    /// <summary>Every other string of a request; bytes of UTF-8.</summary>
    public const int StringBytes = 256;

    /// <summary>Labels and annotations of one request, keys and values together; bytes of UTF-8.</summary>
    public const int MetadataBytes = 256 * 1024;

    /// <summary>A serialized payload; bytes.</summary>
    public const int PayloadBytes = 64 * 1024;

    /// <summary>A signature; bytes.</summary>
    public const int SignatureBytes = 16 * 1024;

    /// <summary>Signatures of one attestation occurrence, JWTs included: those a writer may store.</summary>
    public const int SignaturesPerOccurrence = 100;

    /// <summary>
    /// An attestation occurrence as the store keeps it; bytes of JSON. A payload of 64 KiB fits with eight signatures of 16 KiB, or with
    /// a hundred of a key of 4,096 bits.
    /// </summary>
    public const int OccurrenceBytes = 256 * 1024;

    /// <summary>An attestation occurrence of the usual size; bytes of JSON. No number of larger ones hides it.</summary>
    public const int UsualOccurrenceBytes = 16 * 1024;

    /// <summary>Larger occurrences of one digest under one note or in one project, newest first; bytes. What lies beyond is unknown.</summary>
    public const int EvidenceBytes = 16 * 1024 * 1024;

    /// <summary>A compact JWT, its payload within; bytes.</summary>
    public const int JwtBytes = 64 * 1024;

    /// <summary>A PGP public key block; characters.</summary>
    public const int PgpKeyCharacters = 256 * 1024;

    /// <summary>Packets in a PGP public key block: keys, user ids and the signatures about them.</summary>
    public const int PgpKeyPackets = 512;

    /// <summary>
    /// Verifications with a public key to judge a PGP public key block: about two for each subkey and one for each revocation, however
    /// often the key was renewed and whoever else certified it.
    /// </summary>
    public const int PgpKeyVerifications = 128;

    /// <summary>Signatures in one PGP message.</summary>
    public const int PgpSignaturesPerMessage = 16;

    /// <summary>Signatures considered per key id, newest first.</summary>
    public const int SignaturesPerKey = 100;

    /// <summary>Signatures read per digest and attestor.</summary>
    public const int SignaturesPerDigest = 1000;

    /// <summary>Occurrences of one list of another service, all pages together; bytes of its answers. What lies beyond is unknown.</summary>
    public const int OccurrenceListBytes = 16 * 1024 * 1024;

    /// <summary>Pages of such a list. What lies beyond is unknown.</summary>
    public const int OccurrenceListPages = 50;

    /// <summary>A page token of another service; bytes.</summary>
    public const int PageTokenBytes = 4096;

    /// <summary>
    /// A DSSE envelope; bytes of JSON. A payload of 64 KiB fits with eight signatures of 16 KiB.
    /// </summary>
    public const int EnvelopeBytes = 256 * 1024;

    /// <summary>A Sigstore bundle; bytes of JSON, its verification material included.</summary>
    public const int BundleBytes = 16 * 1024 * 1024;

    /// <summary>All that is read beside one image in one look but for manifests; bytes. A payload that several signatures share counts for each.</summary>
    public const int RegistryListBytes = 32 * 1024 * 1024;

    /// <summary>Looks beside images that read more than a mebibyte, at once in the process; further ones wait, and others do not.</summary>
    public const int RegistryLargeLooks = 4;

    /// <summary>Manifests read that refer to one image. What others say is unknown.</summary>
    public const int Referrers = 100;

    /// <summary>A manifest or an index of a registry; bytes.</summary>
    public const int ManifestBytes = 4 * 1024 * 1024;

    /// <summary>Layers read of a manifest and manifests read of an index: the last ones, which are the newest. What lies before is unknown.</summary>
    public const int OciEntries = 1000;

    /// <summary>Pages of a list of referrers. What lies beyond is unknown.</summary>
    public const int ReferrersPages = 20;

    /// <summary>A list of referrers, all pages together; bytes. What lies beyond is unknown.</summary>
    public const int ReferrersBytes = 16 * 1024 * 1024;

    /// <summary>Requests to one registry host under way at once; further ones wait for one to end.</summary>
    public const int RegistryConcurrency = 16;

    /// <summary>Redirections that one request to a registry follows.</summary>
    public const int RegistryRedirections = 5;

    /// <summary>An error or a token of a registry; bytes of JSON.</summary>
    public const int RegistryReplyBytes = 64 * 1024;

    /// <summary>Challenges of one answer that says 401, and parameters of one of them. What lies beyond is not looked at.</summary>
    public const int RegistryChallenges = 16;

    /// <summary>A bearer token of a registry; characters.</summary>
    public const int RegistryTokenBytes = 16 * 1024;

    /// <summary>Bearer tokens of one registry host held in memory.</summary>
    public const int RegistryTokens = 1000;

    /// <summary>Registry hosts held in memory, each with its connections and tokens.</summary>
    public const int RegistryHosts = 64;

    /// <summary>Annotations of a manifest or an index, those of its entries included. A signature of cosign has up to five.</summary>
    public const int OciAnnotations = 10_000;

    /// <summary>Attestors of one rule.</summary>
    public const int AttestorsPerRule = 200;

    /// <summary>
    /// Messages within one gRPC message: requests, inline attestations, labels. Two bytes on the wire become hundreds in memory, so they
    /// are counted before any is made.
    /// </summary>
    public const int MessageParts = 100_000;

    /// <summary>An answer of a key service; bytes. A key of 4,096 bits has under a thousand.</summary>
    public const int KeyServiceReplyBytes = 64 * 1024;

    /// <summary>Public keys of key services held in memory.</summary>
    public const int RemoteKeys = 10_000;

    /// <summary>Requests of one caller a second, images of batches and messages of streams included, where the access file says nothing.</summary>
    public const int CallerRequestsPerSecond = 1000;

    /// <summary>How many of them one caller may ask at once after a pause.</summary>
    public const int CallerBurst = 2000;

    /// <summary>Requests of one caller under way at the same time, where the access file says nothing.</summary>
    public const int CallerConcurrentRequests = 256;

    /// <summary>Streams of one caller open at the same time, where the access file says nothing.</summary>
    public const int CallerStreams = 64;

    /// <summary>Callers whose use is remembered; beyond, idle ones are forgotten.</summary>
    public const int Callers = 10_000;

    /// <summary>Connections to one port at a time.</summary>
    public const int Connections = 2000;

    /// <summary>Pieces of work that wait for a thread, beyond which new connections wait too: about those of two connections.</summary>
    public const int PendingWork = 500;

    /// <summary>What is read of a connection before it is looked at; bytes. It is held until the connection has ended.</summary>
    public const int ConnectionReadBytes = 64 * 1024;

    /// <summary>Streams of HTTP/2 on one connection at a time; a client that needs more opens another connection.</summary>
    public const int StreamsPerConnection = 100;

    /// <summary>Headers of one request, all together; bytes. A token of 16 KiB fits twice.</summary>
    public const int HeaderBytes = 32 * 1024;

    /// <summary>Headers of one request.</summary>
    public const int Headers = 100;

    /// <summary>The first line of a request over HTTP/1.1; bytes.</summary>
    public const int RequestLineBytes = 8 * 1024;

    /// <summary>Requests of the REST surface that use the store at the same time; others wait.</summary>
    public const int StoreCallers = 8;

    /// <summary>Questions for evidence that the store is asked at the same time; others wait.</summary>
    public const int EvidenceReaders = 16;

    /// <summary>Bodies of requests over HTTP/1.1 in memory, all together; bytes. Evaluations have as much again for themselves.</summary>
    public const int BufferedBodyBytes = 64 * 1024 * 1024;

    /// <summary>Those of one caller; bytes.</summary>
    public const int BufferedBodyBytesPerCaller = BufferedBodyBytes / 2;

    /// <summary>A page of a list; bytes of what it lists. A single larger entry is a page of its own.</summary>
    public const int PageBytes = 1024 * 1024;

    /// <summary>What a client must send or take at least; bytes a second, after <see cref="DataRateGrace"/>.</summary>
    public const int DataRate = 128 * 1024;

    /// <summary>What is read and thrown away of a request that is refused; bytes.</summary>
    public const int RefusedBodyBytes = 256 * 1024;

    /// <summary>A question for the health of the service over gRPC, which needs no credentials; bytes.</summary>
    public const int HealthRequestBytes = 1024;

    /// <summary>Nesting of JSON and YAML.</summary>
    public const int Depth = 64;

    /// <summary>Problems reported per document; more are counted, not listed.</summary>
    public const int ProblemsPerDocument = 100;

    /// <summary>Messages of one stream that are evaluated at the same time.</summary>
    public const int StreamConcurrency = 64;

    /// <summary>A value in the shared cache, its seal included; bytes.</summary>
    public const int SharedValueBytes = 1024 * 1024;

    /// <summary>Values that wait to be stored in the shared cache; bytes.</summary>
    public const int SharedWriteBytes = 8 * 1024 * 1024;

    /// <summary>A whole reply of Redis; bytes. A longer one ends the connection.</summary>
    public const int RedisReplyBytes = SharedValueBytes + (16 * 1024);

    /// <summary>A message on a channel of Redis; bytes. A longer one ends the connection.</summary>
    public const int RedisMessageBytes = 16 * 1024;

    /// <summary>A file that holds a secret; bytes.</summary>
    public const int SecretFileBytes = 4096;

    /// <summary>A bearer token of a caller; characters.</summary>
    public const int BearerTokenBytes = 16 * 1024;

    /// <summary>Bearer tokens remembered as verified.</summary>
    public const int VerifiedTokens = 4096;

    /// <summary>Public keys of one issuer of bearer tokens.</summary>
    public const int IssuerKeys = 64;

    /// <summary>A file or an answer with certificates, or with keys of an issuer; bytes.</summary>
    public const int CredentialFileBytes = 1024 * 1024;

    /// <summary>A docker config file; bytes.</summary>
    public const int DockerConfigBytes = 1024 * 1024;

    /// <summary>What a credential helper says; bytes. A longer one is ended.</summary>
    public const int CredentialHelperBytes = 64 * 1024;

    /// <summary>An answer of a cloud's service that gives tokens for its registries; bytes.</summary>
    public const int CloudTokenReplyBytes = 64 * 1024;

    /// <summary>Registries whose credentials are remembered.</summary>
    public const int RegistryCredentials = 1000;

    /// <summary>Certificates between a client's own and its authority.</summary>
    public const int ClientIntermediates = 8;

    /// <summary>Grants of the access file: members of each binding times its resources, of each evaluator times its clusters.</summary>
    public const int AccessGrants = 100_000;

    /// <summary>Issuers of the access file.</summary>
    public const int AccessIssuers = 100;

    /// <summary>Members of the access file with limits of their own.</summary>
    public const int LimitedCallers = 10_000;

    /// <summary>Bindings, and members of all bindings together, of one IAM policy: as many as Google takes.</summary>
    public const int IamPolicyMembers = 1500;

    /// <summary>How far clocks may disagree about when something was made.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    /// <summary>How long a client may send or take less than <see cref="DataRate"/>.</summary>
    public static readonly TimeSpan DataRateGrace = TimeSpan.FromSeconds(5);

    /// <summary>How long a client may take to send the headers of a request.</summary>
    public static readonly TimeSpan HeadersTime = TimeSpan.FromSeconds(10);

    /// <summary>How long a new connection waits before it looks again at whether work still piles up.</summary>
    public static readonly TimeSpan PendingWorkPause = TimeSpan.FromMilliseconds(5);

    /// <summary>
    /// How long a connection may be open without a request. Longer than the two minutes after which the usual clients and load balancers
    /// close theirs: it is never the service that ends a connection in the moment a request comes.
    /// </summary>
    public static readonly TimeSpan IdleConnection = TimeSpan.FromSeconds(130);

    /// <summary>How long a connection of HTTP/2 may be silent before it is asked whether somebody is there.</summary>
    public static readonly TimeSpan SilentConnection = TimeSpan.FromSeconds(30);

    /// <summary>How long the answer to that may take.</summary>
    public static readonly TimeSpan PingPatience = TimeSpan.FromSeconds(20);

    /// <summary>How long an issuer may take to say which keys it has.</summary>
    public static readonly TimeSpan KeyDiscoveryTime = TimeSpan.FromSeconds(5);

    /// <summary>A whole request over HTTP/1.1, or a gRPC call that is no stream; answer included.</summary>
    public static readonly TimeSpan RequestTime = TimeSpan.FromSeconds(60);

    /// <summary>What is left of it when the service stops.</summary>
    public static readonly TimeSpan RequestTimeAtStop = TimeSpan.FromSeconds(5);

    /// <summary>How long a credential helper may take; it is ended then.</summary>
    public static readonly TimeSpan CredentialHelperTime = TimeSpan.FromSeconds(5);

    /// <summary>How long what a credential helper said counts.</summary>
    public static readonly TimeSpan CredentialHelperLife = TimeSpan.FromMinutes(5);

    /// <summary>How long a cloud may take to give a token for a registry, all its services together.</summary>
    public static readonly TimeSpan CloudTokenTime = TimeSpan.FromSeconds(10);

    /// <summary>How long before its end a token for a registry is no longer used.</summary>
    public static readonly TimeSpan CloudTokenMargin = TimeSpan.FromMinutes(1);

    /// <summary>How long whoever gives credentials for a registry is left alone after it was asked, whether it failed or its credentials were refused.</summary>
    public static readonly TimeSpan RegistryCredentialPause = TimeSpan.FromSeconds(1);

    /// <summary>How long a stream whose caller must authenticate anew may take to end, its last answers included.</summary>
    public static readonly TimeSpan LapsedStreamTime = TimeSpan.FromSeconds(5);

    /// <summary>How long a refused request is read, at most.</summary>
    public static readonly TimeSpan RefusedBodyTime = TimeSpan.FromSeconds(1);

    /// <summary>How long a request waits for one of the <see cref="StoreCallers"/>.</summary>
    public static readonly TimeSpan StoreCallerPatience = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The longest silence of a stream that tells what holds for a cluster. The protocol says 5 s; a busy machine needs something of it.
    /// </summary>
    public static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(4);

    /// <summary>The longest time an evaluation may take, whatever the caller's deadline.</summary>
    public static readonly TimeSpan MaxDeadline = TimeSpan.FromSeconds(30);

    /// <summary>The time an evaluation may take when the caller sets no deadline.</summary>
    public static readonly TimeSpan DefaultDeadline = TimeSpan.FromSeconds(5);

    /// <summary>The least time kept back from a deadline for the answer to travel.</summary>
    public static readonly TimeSpan MinAnswerMargin = TimeSpan.FromMilliseconds(20);
}

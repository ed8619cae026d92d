namespace PolicyService.Tests.Kms;

/// <summary>The ways in which a key service, or something on the way to it, goes wrong.</summary>
public enum KmsFault
{
    None,
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    TooManyRequests,
    TooManyRequestsForLong,
    ServerError,
    Unavailable,
    Redirection,
    NoContent,

    /// <summary>Takes the request and never answers.</summary>
    Silent,

    /// <summary>Answers the headers, then nothing more.</summary>
    SilentBody,

    /// <summary>Closes the connection without an answer.</summary>
    Hangup,

    /// <summary>Closes the connection in the middle of the body.</summary>
    Truncated,

    /// <summary>A whole body that is half a document.</summary>
    HalfJson,
    NoHttp,
    NoJson,
    JsonList,
    NoUtf8,

    /// <summary>A field whose name is half a surrogate pair.</summary>
    HalfPair,
    DuplicateField,
    DeepJson,
    NoPem,
    PemIsNumber,
    Oversized,

    /// <summary>A body without end and without stated length.</summary>
    Endless,
    HugeHeaders,
    WrongChecksum,
    NoChecksum,
    ChecksumNoNumber,
    OtherName,
    NoName,
    OtherKey,
    OtherAlgorithm,
    UnknownAlgorithm,
    EncryptionAlgorithm,
    Certificate,
    PrivateKey,
    WeakKey,
    AlgorithmOfAnotherCurve,

    /// <summary>Signs without having seen the digest's checksum.</summary>
    DigestNotVerified,

    /// <summary>A checksum of another signature.</summary>
    WrongSignatureChecksum,
    NoSignature,
}

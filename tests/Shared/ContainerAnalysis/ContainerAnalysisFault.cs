namespace PolicyService.Tests.ContainerAnalysis;

/// <summary>The ways in which a Container Analysis, or something on the way to it, goes wrong.</summary>
public enum ContainerAnalysisFault
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

    /// <summary>Asks to be left alone for seven seconds.</summary>
    UnavailableForAWhile,
    Redirection,
    NoContent,

    /// <summary>Takes the request and never answers.</summary>
    Silent,

    /// <summary>Answers the headers, then nothing more.</summary>
    SilentBody,

    /// <summary>One byte at a time, for ever.</summary>
    SlowDrip,

    /// <summary>Closes the connection without an answer.</summary>
    Hangup,

    /// <summary>Closes the connection in the middle of the body.</summary>
    Truncated,
    HalfJson,
    NoHttp,
    NoJson,
    JsonList,
    NoUtf8,
    DuplicateField,
    DeepJson,
    OccurrencesAreText,
    TokenIsNumber,
    TokenIsNoText,

    /// <summary>Says that it could not reach all it has.</summary>
    PartOfIt,

    /// <summary>A body without end and without stated length.</summary>
    Endless,
    HugeHeaders,
}

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>Google's error shape: <c>{"error":{"code","message","status","details"?}}</c>.</summary>
public static class RestError
{
    public static Task WriteAsync(HttpContext context, int code, string status, string message, string field = "")
    {
        context.Response.StatusCode = code;
        object[] details = field.Length == 0
            ? []
            : [new Dictionary<string, object>
            {
                ["@type"] = "type.googleapis.com/google.rpc.BadRequest",
                ["fieldViolations"] = new[] { new { field, description = message } },
            }];
        return context.Response.WriteAsJsonAsync(
            details.Length == 0 ? new { error = new { code, message, status } } : new { error = new { code, message, status, details } } as object,
            context.RequestAborted);
    }
}

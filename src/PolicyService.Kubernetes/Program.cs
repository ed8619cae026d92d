await Console.Error.WriteLineAsync("the adapter's settings are not read yet");
return 2;

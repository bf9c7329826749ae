"""The command line: arguments in, one call of the library, sentences and exit codes out."""

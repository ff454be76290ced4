"""The engines that turn speech into words, a folder each; what is heavy is imported when one is loaded."""

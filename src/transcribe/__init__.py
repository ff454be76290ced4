"""The batch: from a source to a transcript, its stages in the order of the flow.

sources -> feed -> connection, download -> audio -> speech -> recognizers -> segments -> transcript, captions
"""

__version__ = "0.1.0"

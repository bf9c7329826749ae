"""Where this machine gives obstore no threads or files, that is said, and no panic of Rust."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own, since obstore starts its threads once in each.
READ = """
import os, resource, linecache, obstore
from pe_dvc.adapters.stores.obstore_errors import ErrorTranslator, StoreRequest
from pe_dvc.primitives.errors import StoreUnavailableError
from obstore.store import S3Store
store = S3Store("bucket", endpoint="http://127.0.0.1:9", region="us-east-1", skip_signature=True,
                client_options={"allow_http": True})
limit = len(os.listdir("/proc/self/fd")) - 1
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
try:
    with ErrorTranslator(StoreRequest("read", "s3://bucket", "key")):
        obstore.head(store, "key")
except StoreUnavailableError as error:
    print(error.message, error.remedy, sep="|")
"""


def test_no_more_files_for_the_threads_of_obstore_is_said() -> None:
    ran = subprocess.run([sys.executable, "-c", READ], capture_output=True, text=True, check=False)
    message, _, remedy = ran.stdout.partition("|")
    assert message == (
        "cannot read s3://bucket/key: this machine lets this program open no more files"
    ), ran.stderr
    assert "`ulimit -n`" in remedy

"""An example or two of each command, for ``--help`` and docs/commands.md; a test parses them all.

By the words of the command: pairs of the arguments after these words, and what that does.
"""

from __future__ import annotations

Examples = tuple[tuple[str, str], ...]

REFERENCE = "us/enhanced_cps_2024@latest"

EXAMPLES: dict[str, Examples] = {
    "add": (
        ("data/enhanced_cps_2024.h5", "guess what its columns mean, and say it"),
        ("data/states/*.h5 --name 'states/{stem}'", "a dataset of each file"),
        ("data/states", "a dataset that is a directory"),
        ("data/x.parquet --entity tax_unit=RECID --weight s006", "say it yourself"),
    ),
    "audit checkpoint": (("", "print what was signed last, to be kept elsewhere"),),
    "audit forget": (("ann@example.org", "erase a person; the ledger verifies as before"),),
    "audit import": (
        ("logs.json.gz --country uk --key ledger.pem", "take reads from logs of AWS, each once"),
    ),
    "audit prove": (("5", "what shows a data owner that entry 5 is there"),),
    "audit report": (
        ("--raw-source data/raw/frs.tab --by raw-source", "what a data owner asks"),
        ("--person ann@example.org --since 2026-01-01 --csv", "each read of a person"),
        ("--by grant", "what each grant was used for, and what was stated when it ended"),
    ),
    "audit verify": (("--key gateway.pem", "find entries that were altered"),),
    "cache dir": (("", "print where the cache is"),),
    "cache ls": (("", "list what is in the cache"),),
    "cache prune": (
        ("--max-size 20GB", "keep the 20 GB that were used last"),
        ("--expired", "delete what a grant gave you that has ended, and state it"),
    ),
    "cache verify": (("", "hash all files, and remove altered ones"),),
    "channel adopt": (("latest", "take over what another publisher pushed without git"),),
    "channel diff": (
        ("next:published next", "on the branch of a nomination: what it changes for readers"),
        ("next latest", "what promoting latest would change"),
        ("latest:11 latest:12", "what one version changed"),
    ),
    "channel hold": (
        ('cps_2024 --reason "Weights are checked"', "keep new builds from moving it"),
    ),
    "channel init": (
        ("--country us", "create all roles, with a key for each on this machine"),
        ("--country us --threshold next=2 --keys next=2", "have two reviewers sign next"),
    ),
    "channel keys add": (
        ("next --public-key bob.pem --name bob", "let another reviewer sign next"),
    ),
    "channel keys remove": (("next bob", "take a reviewer's key away"),),
    "channel witnesses": (
        ("--entry >> witness.toml", "what who is to be a witness needs"),
        ("--threshold 2 KEY1 KEY2 KEY3", "demand two of these three"),
    ),
    "channel keys show": (("releases", "the keys that verify the statements of releases"),),
    "channel keys rotate": (
        ("latest", "replace the one key of latest"),
        ("next bob --stolen", "replace a stolen key, and reject what it signed"),
    ),
    "channel list": (("--country us", "versions and expiry, without a clone"),),
    "channel log": (
        ("latest", "every version, verified, newest first"),
        ("latest -n 20", "the newest 20, however many there are"),
    ),
    "channel promote": (
        ("latest next", "nominate all datasets, past their gates"),
        ("latest next cps_2024", "nominate one"),
        ("latest:12 next", "nominate what an earlier version had"),
    ),
    "channel recover": (("", "replace the keys that were on a stolen machine"),),
    "channel refresh": (("", "in a scheduled job: keep snapshot and timestamp from expiring"),),
    "channel release-hold": (("cps_2024", "let builds move it again"),),
    "channel renew": (("root", "a new version of root that expires later"),),
    "channel rollback": (
        ('latest --to 12 --reason "Weights are wrong"', "all datasets as in version 12"),
        ('latest cps_2024 --to 1.78.2 --reason "As cited"', "one, as in a release"),
    ),
    "channel show": (
        ("next", "the pointers of next; in a clone, of the branch's"),
        ("next --published", "what readers see of it"),
    ),
    "channel sign": (
        ("next", "see what would be signed, then add this reviewer's signature"),
        ("root --yes", "sign a draft of the root in a script"),
    ),
    "channel status": (
        ("", "who signed, what expires when, and what readers see"),
        ("--offline", "the same of git alone"),
    ),
    "channel update": (("latest", "the command of a stage of dvc repro"),),
    "check": (("--staged", "what the next commit will hold"),),
    "diff": (
        ("us/cps_2024@1.78.1 us/cps_2024@latest", "a release and the newest build"),
        ("next:published next --markdown", "what the branch nominates, for its pull request"),
        ("latest:11 latest:12", "what one version changed"),
        ("HEAD~1 HEAD --fail-over 2%", "two commits, in CI"),
        (f"{REFERENCE} data/enhanced_cps_2024.parquet --rows", "what is published, and a file"),
    ),
    "cite": (
        (REFERENCE, "as text, with the pin"),
        (f"{REFERENCE} --bibtex", "for a list of references"),
    ),
    "codebook write": (("policyengine-us -o model.json", "in the environment of the model"),),
    "export": (
        (f"{REFERENCE} --to cps.dta", "for Stata, with labels"),
        ("us/cps_2024@latest --to p.csv --table person --period 2024", "one of several tables"),
    ),
    "find": (
        ("universal credit", "in all countries whose roots are pinned"),
        ("--country us wage salary", "in one"),
    ),
    "fsck": (
        ("", "hash everything in the bucket"),
        ("--repair --mirror gs://our-mirror", "restore what is damaged"),
    ),
    "revoke": (
        (
            f"{REFERENCE} --reason 'A respondent can be told apart.' --authority 'Census Bureau'",
            "withdraw it: then commit and push",
        ),
        (
            f"--raw-input {'4e' * 32} --reason 'The licence ended.' --authority UKDS --dry-run",
            "show all that derives from a raw input",
        ),
        ("--remove", "remove again what is withdrawn"),
    ),
    "unrevoke": ((f"us/cps_2024@sha256:{'4e' * 32}", "take it back"),),
    "gc": (
        ("", "show what would be removed"),
        ("--apply", "remove it"),
    ),
    "get": (
        (REFERENCE, "print the path of a verified file"),
        ("us/cps_2024@next -o data/", "copy it to data/, too"),
        ("us/cps_2024@latest us/states/AL@latest", "several: a path per line"),
        (f"{REFERENCE} --offline", "from the cache, without network access"),
    ),
    "init": (
        ("", "ask for the country and the store"),
        ("--country us --store s3://policyengine-data", "ask nothing"),
        (
            "--from-hf hf://dataset/OWNER/REPO/latest.json",
            "from nothing to an index of a hub's releases",
        ),
    ),
    "install": (
        ("", "add the hooks"),
        ("--uninstall", "remove them"),
    ),
    "ls": (
        ("us", "the datasets of latest and next"),
        ("us --releases", "the releases and their states"),
        ("us --json", "for programs"),
    ),
    "manifest adopt": (("cps_2024", "take over the manifest that was published first"),),
    "manifest write": (("", "the command of a stage of dvc repro"),),
    "mirror add": (
        ("azure az://pe-mirror", "declare one that holds everything"),
        ("lab /srv/pe-data --dataset 'enhanced_*' --last 3", "the newest versions of some"),
    ),
    "mirror list": (
        ("", "list what is declared"),
        ("--preservation", "the copies of each dataset, for release manifests"),
    ),
    "mirror remove": (("lab", "declare it no more; its copies stay"),),
    "mirror restore": (("azure", "fill a bucket that was lost"),),
    "mirror sync": (
        ("", "bring all mirrors up to date"),
        ("azure --recheck", "hash what is there, too, and replace what is altered"),
    ),
    "mirror verify": (
        ("", "read and hash all that the mirrors promise"),
        ("azure --quick", "compare sizes only"),
    ),
    "pull": (
        ("", "everything that DVC caches"),
        ("cps_2024", "one dataset"),
        ("--force", "discard changes to data files"),
    ),
    "push": (
        ("", "after dvc repro and git commit"),
        ("--stage states/AL", "upload what was built here; another machine signs"),
    ),
    "import": (
        (
            "hf://dataset/OWNER/REPO@TAG/release_manifest.json",
            "all that a release has",
        ),
        ("hf://dataset/OWNER/REPO/latest.json --check", "is there a new release?"),
        ("hf://datasets/OWNER/REPO@TAG/cps_2024.h5 --name cps_2024", "one file"),
    ),
    "release certified": (
        ("1.78.2 --bundle manifest.json", "check what a bundle pins"),
        ("1.78.2 --bundle manifest.json --record", "and record that it was certified"),
    ),
    "release create": (("1.78.2", "register the git tag"),),
    "release claim": (("1.78.2 'policyengine-us>=2.89,<2.91'", "it works with these, too"),),
    "release deprecate": (('1.78.2 --reason "Wrong weights: use 1.78.3"', "warn its readers"),),
    "release diff": (("1.78.1 1.78.2", "datasets, columns, rows and inputs that changed"),),
    "release export": (("1.78.2 export/", "its files, its TRO and its statements"),),
    "release list": (("", "the git tags that can be released"),),
    "release mirror": (
        ("1.78.2 hf://dataset/OWNER/REPO", "under its tag, for certification"),
        ("1.78.2 hf://dataset/OWNER/REPO --latest latest.json", "and let latest.json name it"),
    ),
    "release push": (("1.78.2", "publish it"),),
    "release show": (
        ("1.78.2", "its release manifest"),
        ("1.78.2 --tro", "its TRO"),
    ),
    "release status": (("", "staged, certified, deprecated, published or not"),),
    "release verify": (
        ("1.78.2", "hash all that it has in the bucket"),
        ("--offline export", "of a copy, without network"),
    ),
    "reproduce": (
        ("enhanced_cps_2024", "does the build give the same bytes?"),
        ("enhanced_cps_2024 -o again.h5", "and keep what it gives"),
    ),
    "schema": (("manifest", "the JSON Schema of manifests"),),
    "show": (
        (REFERENCE, "schema, rows, inputs, pin"),
        (f"{REFERENCE} --column employment_income", "what one column means"),
        (f"{REFERENCE} --format ddi", "DDI-Codebook 2.6, for archives"),
        ("us/enhanced_cps_2024@1.78.2 --json", "the manifest of a release's dataset"),
    ),
    "stale": (
        ("us", "all that the US has in its channels, against what is installed"),
        (f"{REFERENCE} --model-version 1.690.0", "against a version"),
        (f"{REFERENCE} --model-package policyengine_us-2.68.0-py3-none-any.whl", "a wheel"),
        (f"{REFERENCE} --compatible", "may the installed model read it?"),
    ),
    "site build": (
        ("site", "of every country whose root is pinned"),
        ("site --from git", "of what this data repo has committed"),
        ("site --country us --bucket-url https://data.example.org", "of one, with downloads"),
        ("--single-file us.html --country us", "in one file, to send or keep"),
    ),
    "site serve": (
        ("", "build it for the moment, and show it"),
        ("--port 8123 --country us", "of one country, elsewhere"),
    ),
    "gateway serve": (
        ("", "serve what gateway.toml says, for a proxy on this machine"),
        ("--config /etc/pe-dvc/gateway.toml --metrics-port 9090", "with figures for Prometheus"),
    ),
    "gateway token create": (
        ("ada@example.org --project poverty-2026", "for one project of hers, for 90 days"),
        ("ada@example.org --country uk --dataset 'frs_*' --days 7", "for a week, and less data"),
    ),
    "gateway token list": (("", "who has a token, for what, until when"),),
    "gateway token revoke": (("0123456789abcdef", "by the id that list shows"),),
    "witness cosign": (("--key ~/witness.pem", "sign what the buckets of witness.toml show now"),),
    "witness key": (("", "make the key that witness.toml names, and print its public half"),),
    "witness serve": (("--port 9081", "cosign the logs of witness.toml, for a proxy here"),),
    "trust add": (
        ("us root.json", "pin the root.json of the data repo"),
        ("us --from-store", "trust the bucket on first use; then compare the fingerprint"),
    ),
    "trust show": (
        ("us", "the pinned root, and what was last seen published"),
        ("us --export for-image", "take both along to another machine"),
    ),
    "trust list": (("", "what is pinned, with fingerprints"),),
    "trust remove": (("us", "forget the root"),),
    "verify": (
        ("", "every dataset"),
        ("cps_2024", "one"),
        ("--present --quiet", "what is here and differs"),
    ),
}

"""The git repo around a data repo, through libgit2 and, where libgit2 cannot, git itself."""

# Reads datasets of pe-data:// references into R, with labels.
#
#   source("pe_data.R")
#   cps <- pe_data("us/enhanced_cps_2024@latest")
#   labelled::var_label(cps$employment_income)        # or attr(cps$employment_income, "label")
#   haven::as_factor(cps$filing_status)               # the labels of its values
#   attr(cps, "pe_data_reference")                    # the pin: always these bytes
#
# Needs the package haven, and the command pe-dvc with the extra pe_dvc[export].

#' Read a dataset
#'
#' The bytes are verified by pe-dvc, and kept in its cache.
#'
#' @param reference such as "us/enhanced_cps_2024@latest", or with "@sha256:<64 hex digits>".
#' @param table which table, of a dataset that has several.
#' @param period which period, of a table that has several, such as "2024".
#' @param columns the columns to read; all by default.
#' @param store the bucket; that of pe-dvc by default.
#' @param offline whether to use what this machine has verified before only.
#' @param command the command: set it where pe-dvc is not on the PATH of R.
#' @return a tibble, whose columns have the attribute "label", and "labels" where values have them.
pe_data <- function(reference, table = NULL, period = NULL, columns = NULL, store = NULL,
                    offline = FALSE, command = Sys.getenv("PE_DVC", "pe-dvc")) {
  if (!requireNamespace("haven", quietly = TRUE)) {
    stop("pe_data() needs the package haven: install.packages(\"haven\")")
  }
  if (Sys.which(command) == "") {
    stop("the command ", command, " is not found: pip install 'pe_dvc[export]', ",
         "and name it by the argument command or the variable PE_DVC")
  }
  file <- tempfile(fileext = ".dta")
  said <- tempfile(fileext = ".txt")
  on.exit(unlink(c(file, said)))
  option <- function(name, values) {
    as.vector(rbind(rep(name, length(values)), as.character(values)))
  }
  arguments <- c("export", option("--to", file), "--json", option("--table", table),
                 option("--period", period), option("--column", columns),
                 option("--store", store), if (offline) "--offline", "--", reference)
  # R's own libraries are not those of Python: with its search path, Python may not even start.
  libraries <- Sys.getenv("LD_LIBRARY_PATH", NA)
  Sys.unsetenv("LD_LIBRARY_PATH")
  on.exit(if (!is.na(libraries)) Sys.setenv(LD_LIBRARY_PATH = libraries), add = TRUE)
  printed <- suppressWarnings(
    system2(command, shQuote(arguments), stdout = TRUE, stderr = said)
  )
  if (!is.null(attr(printed, "status"))) {
    stop(paste(readLines(said, warn = FALSE), collapse = "\n"))
  }
  frame <- haven::read_dta(file)
  pin <- sub("^ *\"reference\": \"(.*)\",?$", "\\1", grep("\"reference\":", printed, value = TRUE))
  attr(frame, "pe_data_reference") <- pin
  frame
}

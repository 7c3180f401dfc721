# Run by R CMD INSTALL: the shim goes into libs/, and beside it the library when it was built here, under the name by
# which the shim asks for it.
libs <- file.path(R_PACKAGE_DIR, paste0("libs", R_ARCH))
dir.create(libs, recursive = TRUE, showWarnings = FALSE)
shim <- paste0("connectcreds", SHLIB_EXT)
stopifnot(file.copy(shim, libs, overwrite = TRUE))

needed_name <- function(otherwise) {
  needed <- tryCatch(
    system2("readelf", c("-d", shim), stdout = TRUE, stderr = FALSE),
    error = function(cnd) character(), warning = function(cnd) character()
  )
  needed <- regmatches(needed, regexpr("libconnectcreds[^]]*", needed))
  if (length(needed)) needed[[1]] else otherwise
}

built <- Sys.glob(c("rust/out/libconnectcreds.so", "rust/out/libconnectcreds.dylib"))
if (length(built)) {
  name <- needed_name(basename(built[[1]]))
  stopifnot(file.copy(built[[1]], file.path(libs, name), overwrite = TRUE))
}

# A library elsewhere, of which no file has the name that the shim asks for: configure has noted it.
if (file.exists("library-without-soname")) {
  library_file <- readLines("library-without-soname")
  link <- file.path(libs, needed_name(basename(library_file)))
  unlink(link)
  stopifnot(file.symlink(library_file, link))
}

# What R CMD check reads the object files' symbols from.
if (file.exists("symbols.rds")) {
  file.copy("symbols.rds", libs, overwrite = TRUE)
}

.onLoad <- function(libname, pkgname) {
  .Call(C_setup, topenv())
  check_library_version(.Call(C_version), .Call(C_built_for), .Call(C_library_path), libname)
  register_print_methods()
  setHook(packageEvent("httr2", "onLoad"), register_print_methods)
}

.onUnload <- function(libpath) {
  .Call(C_unload)
}

# A library serves every package that was built for it or for an earlier one.
check_library_version <- function(loaded, built_for, path, libname) {
  if (numeric_version(loaded) >= numeric_version(built_for)) {
    return(invisible())
  }
  stop(
    "The package connectcreds was built for libconnectcreds ", built_for, ", and this process has version ", loaded,
    ", from ", path, ".\n",
    "If another package or program loaded it first, update that one, or load connectcreds before it.\n",
    "Otherwise update that library, or install the package again, so that it is built for this one: ",
    "R CMD INSTALL, with CONNECTCREDS_LIB_DIR and CONNECTCREDS_INCLUDE_DIR or PKG_CONFIG_PATH naming it. ",
    "It is installed in ", libname, ".",
    call. = FALSE
  )
}

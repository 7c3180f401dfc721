.onLoad <- function(libname, pkgname) {
  .Call(C_setup, topenv())
  check_library_version(.Call(C_version), .Call(C_built_for), libname)
  register_print_methods()
  setHook(packageEvent("httr2", "onLoad"), register_print_methods)
}

.onUnload <- function(libpath) {
  .Call(C_unload)
}

# A library serves every package that was built for it or for an earlier one.
check_library_version <- function(loaded, built_for, libname) {
  if (numeric_version(loaded) >= numeric_version(built_for)) {
    return(invisible())
  }
  stop(
    "The package connectcreds was built for libconnectcreds ", built_for, ", and the library that was loaded is ",
    loaded, ".\n",
    "Update that library, or install the package again, so that it is built for this one:\n",
    "R CMD INSTALL, with CONNECTCREDS_LIB_DIR and CONNECTCREDS_INCLUDE_DIR or PKG_CONFIG_PATH naming it. ",
    "It is installed in ", libname, ".",
    call. = FALSE
  )
}

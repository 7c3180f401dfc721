.onLoad <- function(libname, pkgname) {
  .Call(C_setup, topenv())
  register_print_methods()
  setHook(packageEvent("httr2", "onLoad"), register_print_methods)
}

.onUnload <- function(libpath) {
  .Call(C_unload)
}

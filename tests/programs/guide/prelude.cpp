// The snippets of the guide stand between this file and checks.cpp; tests/guide/fragments.rs joins
// them.
#undef NDEBUG
#include <cassert>
#include <chrono>
#include <connectcreds.hpp>
#include <cstdlib>
#include <iostream>
#include <string>

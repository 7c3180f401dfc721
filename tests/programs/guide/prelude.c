/* The snippets of the guide stand between this file and checks.c; tests/guide/fragments.rs joins
 * them. */
#include <assert.h>
#include <connectcreds.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

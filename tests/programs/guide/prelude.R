# The snippets of the guide, and checks of them; tests/guide/fragments.rs joins them.
library(connectcreds)


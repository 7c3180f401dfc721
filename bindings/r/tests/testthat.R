library(testthat)
library(connectcreds)

test_check("connectcreds")

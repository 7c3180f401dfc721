# A Shiny program whose first button requests a token that nobody has yet, and whose second one shows whose it is that
# the viewer has already.
#
#   Rscript shiny.R PORT promise|waits

library(shiny)
library(connectcreds)

arguments <- commandArgs(TRUE)
connect <- switch(arguments[[2]], promise = connect_viewer_token_async, waits = connect_viewer_token)

# The stand-in for Connect ends a viewer's token with the viewer's name.
viewer_of <- function(token) {
  encoded <- sub(".*-", "", token$access_token)
  rawToChar(jsonlite::base64url_dec(encoded))
}

ui <- fluidPage(
  actionButton("ask", "Ask"), textOutput("asked"),
  actionButton("click", "Click"), textOutput("clicked")
)

server <- function(input, output, session) {
  session$onSessionEnded(function() connect_forget_session(session))
  output$asked <- renderText({
    number <- req(input$ask)
    token <- connect(sprintf("https://service-%d.example", number))
    if (promises::is.promising(token)) {
      promises::then(token, function(token) paste(number, viewer_of(token)))
    } else {
      paste(number, viewer_of(token))
    }
  })
  output$clicked <- renderText(paste(input$click, viewer_of(connect_viewer_token("https://both.example"))))
}

runApp(shinyApp(ui, server), port = as.integer(arguments[[1]]), launch.browser = FALSE, quiet = TRUE)

/* Picks what to do. */
#include "channel-test.h"

void run(const char *text)
{
  if (take_word(&text, "listen"))
    run_listen();
  else if (take_word(&text, "churn"))
    run_churn(take_number(&text, 1000));
  else if (take_word(&text, "provoke"))
    run_provoke(take_number(&text, 2));
  else if (take_word(&text, "serve") || take_word(&text, "call")) {
    int is_server = text[-1] == 'e';
    u32 peer = take_number(&text, 2);
    u32 rounds = take_number(&text, 10);
    if (is_server)
      run_serve(peer, rounds);
    else
      run_call(peer, rounds);
  } else
    run_local();
}

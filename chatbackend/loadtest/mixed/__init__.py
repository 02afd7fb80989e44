"""People in many rooms who read, list, search and send, over REST and sockets: `loadtest --profile mixed`, `soak`."""

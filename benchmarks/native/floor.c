/* floor: the least a server can do. It accepts WebSocket connections, sends the same bytes to each of them with
 * one send() apiece whenever its timer fires, and does nothing else.
 *
 *     floor PORT CONNECTIONS
 *
 * It answers every handshake with a fixed 101 (the load client does not check the accept key), prints "ready" when
 * CONNECTIONS are open, and then obeys lines on stdin:
 *
 *     send RATE SECONDS HEX     send the frame RATE times a second for SECONDS, then print {"sent":…,"refused":…}
 *
 * The sockets carry the options that Livewall gives its own. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

static const char welcome[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static void fail(const char *what) { perror(what); exit(1); }

/* False when the other side only looked whether anyone listens. */
static int handshake(int fd)
{
    char buffer[8192];
    size_t have = 0;
    while (have < sizeof buffer) {
        ssize_t n = recv(fd, buffer + have, sizeof buffer - have, 0);
        if (n <= 0) return 0;
        have += (size_t)n;
        if (memmem(buffer, have, "\r\n\r\n", 4)) break;
    }
    return send(fd, welcome, sizeof welcome - 1, MSG_NOSIGNAL) > 0;
}

static int listen_on(int port)
{
    int one = 1, buffer = 65536;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    if (bind(fd, (struct sockaddr *)&to, sizeof to) || listen(fd, 1024)) fail("listen");
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 3) { fprintf(stderr, "usage: floor PORT CONNECTIONS\n"); return 2; }
    int listener = listen_on(atoi(argv[1])), count = atoi(argv[2]), one = 1, low = 16384;
    int *sockets = calloc((size_t)count, sizeof *sockets);
    puts("listening");
    fflush(stdout);
    for (int i = 0; i < count;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) fail("accept");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low, sizeof low);
        if (handshake(fd)) sockets[i++] = fd;
        else close(fd);
    }
    puts("ready");
    fflush(stdout);

    static char line[65536], hex[65536];
    static unsigned char frame[32768];
    double rate, seconds;
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "send %lf %lf %65535s", &rate, &seconds, hex) != 3) continue;
        size_t size = strlen(hex) / 2;
        for (size_t i = 0; i < size; i++) {
            unsigned byte;
            sscanf(hex + 2 * i, "%2x", &byte);
            frame[i] = (unsigned char)byte;
        }
        int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
        long long period = (long long)(1e9 / rate);
        struct itimerspec every = {{period / 1000000000, period % 1000000000}, {period / 1000000000, period % 1000000000}};
        timerfd_settime(timer, 0, &every, NULL);
        long long sent = 0, refused = 0, rounds = (long long)(rate * seconds + 0.5);
        for (long long done = 0; done < rounds;) {
            unsigned long long due;
            if (read(timer, &due, sizeof due) != sizeof due) fail("timer");
            for (; due && done < rounds; due--, done++)
                for (int i = 0; i < count; i++) {
                    if (send(sockets[i], frame, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size) sent++;
                    else refused++;
                }
        }
        close(timer);
        printf("{\"sent\":%lld,\"refused\":%lld}\n", sent, refused);
        fflush(stdout);
    }
    return 0;
}

/* load: thousands of readers, or a stream of ballots, from one lean process, so that the client's core keeps up.
 *
 *     load readers PORT HANDSHAKE TOKENS [mute]     WebSocket readers; mute ones never read after the handshake
 *     load acts PORT HANDSHAKE TOKENS MESSAGE       WebSocket connections that send MESSAGE and wait for the reply
 *     load http PORT REQUEST TOKENS KEEP            HTTP connections; the bodies of answers go to the file KEEP ("-": nowhere)
 *
 * HANDSHAKE, REQUEST and MESSAGE are files. In them @T@ becomes a line of the file TOKENS, @C@ the choice ("1" and "2"
 * in turn) and @R@ the ref. Lines on stdin say what to do; every one is answered by one line of JSON on stdout:
 *
 *     open N                       open N more connections, wait until all are accepted
 *     drop N                       close N connections
 *     stat                         counters since the start
 *     track N                      (readers) note when the last reader held each number of ballots, or message, up to N
 *     dump FILE                    (readers) write those times: N+1 int64 nanoseconds, N+1 int32 readers holding it
 *     frame                        (readers) the last tally frame as hexadecimal, header included
 *     go RATE SECONDS FLIGHT COUNT (acts, http) RATE a second, or 0: as fast as the replies come, FLIGHT under way on
 *                                  each connection; until SECONDS have passed, COUNT are sent (0: no limit) or "stop"
 *     first N                      (http) the next request uses line N of TOKENS
 *     times FILE                   (acts, http) write when each of the last "go" was due, int64 nanoseconds
 *
 * All times are CLOCK_MONOTONIC, which processes share. A latency counts from the moment a request was due, not from
 * the moment it found a free connection. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTING, GREETED, OPEN, CLOSED };
enum { STDIN = UINT32_MAX, TIMER = UINT32_MAX - 1 };

struct connection {
    int fd, state, flight;
    uint32_t have, room;
    unsigned char *part;
    long long ballots; /* the newest count this reader holds */
    long long due;     /* http: when the request under way was due */
};

static enum { READERS, ACTS, HTTP } mode;
static int port, mute, poller, timer;
static char *handshake, *message, **tokens;
static size_t token_count, token_next;
static struct connection *all;
static uint32_t made, room;
static FILE *keep;

static struct { long long open, closed, frames, tallies, bytes, pings, errors, refused; } sum;
static char last_error[256];
static unsigned char last_tally[8192];
static size_t last_tally_size;

static long long track_max, *track_time;
static int32_t *track_holders;

static struct {
    int on, flight, draining;
    double rate;
    long long start, end, count, sent, acked, lost, errors, drained;
    long long *due, *took;
    size_t due_room, took_room;
    uint32_t turn;
} go;
#define MESSAGE "\"key\":\"message/"
#define REFS (1 << 20)
static long long ref_due[REFS];
static long long next_ref;

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void fail(const char *what) { perror(what); exit(1); }

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) fail(path);
    size_t size = 0, space = 65536;
    char *text = malloc(space);
    for (size_t n; (n = fread(text + size, 1, space - size - 1, f)) > 0;) {
        size += n;
        if (space - size < 2) text = realloc(text, space *= 2);
    }
    text[size] = 0;
    fclose(f);
    return text;
}

static void read_tokens(const char *path)
{
    char *text = slurp(path);
    size_t space = 1024;
    tokens = malloc(space * sizeof *tokens);
    for (char *t = strtok(text, "\n"); t; t = strtok(NULL, "\n")) {
        if (token_count == space) tokens = realloc(tokens, (space *= 2) * sizeof *tokens);
        tokens[token_count++] = t;
    }
    if (!token_count) tokens[token_count++] = "";
}

/* Replace @T@, @C@ and @R@; returns the length. */
static size_t fill(char *out, size_t space, const char *from, const char *token, int choice, long long ref)
{
    size_t n = 0;
    while (*from && n + 1 < space) {
        if (from[0] == '@' && from[1] && from[2] == '@') {
            char number[32];
            const char *put = NULL;
            if (from[1] == 'T') put = token;
            if (from[1] == 'C') { snprintf(number, sizeof number, "%d", choice); put = number; }
            if (from[1] == 'R') { snprintf(number, sizeof number, "%lld", ref); put = number; }
            if (put) {
                while (*put && n + 1 < space) out[n++] = *put++;
                from += 3;
                continue;
            }
        }
        out[n++] = *from++;
    }
    return n;
}

static void send_all(int fd, const void *data, size_t size)
{
    const char *p = data;
    while (size) {
        ssize_t n = send(fd, p, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            poll(&wait, 1, 1000);
            continue;
        }
        if (n <= 0) return; /* the reading side will notice */
        p += n;
        size -= (size_t)n;
    }
}

static void send_frame(int fd, int opcode, const unsigned char *payload, size_t size)
{
    static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    unsigned char frame[4200];
    size_t n = 0;
    if (size > 4096) size = 4096;
    frame[n++] = (unsigned char)(0x80 | opcode);
    if (size < 126) frame[n++] = (unsigned char)(0x80 | size);
    else {
        frame[n++] = 0x80 | 126;
        frame[n++] = (unsigned char)(size >> 8);
        frame[n++] = (unsigned char)size;
    }
    memcpy(frame + n, mask, 4);
    n += 4;
    for (size_t i = 0; i < size; i++) frame[n++] = payload[i] ^ mask[i & 3];
    send_all(fd, frame, n);
}

static void watch(uint32_t index, uint32_t events, int op)
{
    struct epoll_event e = {.events = events, .data.u32 = index};
    if (epoll_ctl(poller, op, all[index].fd, &e)) fail("epoll_ctl");
}

static void shut(uint32_t index)
{
    struct connection *c = &all[index];
    if (c->state == CLOSED) return;
    if (c->state == OPEN) sum.open--;
    sum.closed++;
    go.lost += c->flight; /* what was under way is lost with it */
    c->flight = 0;
    c->state = CLOSED;
    close(c->fd);
    free(c->part);
    c->part = NULL;
    c->have = c->room = 0;
}

static void connect_one(void)
{
    if (made == room) all = realloc(all, (room = room ? room * 2 : 1024) * sizeof *all);
    struct connection *c = &all[made];
    memset(c, 0, sizeof *c);
    int one = 1, small = 4096;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0) fail("socket");
    if (mute) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    uint32_t index = made++;
    watch(index, EPOLLIN, EPOLL_CTL_ADD);
    if (mode == HTTP) {
        c->state = OPEN;
        sum.open++;
        return;
    }
    static char text[65536];
    size_t n = fill(text, sizeof text, handshake, tokens[token_next++ % token_count], 1, 0);
    c->state = CONNECTING;
    send_all(c->fd, text, n);
}

static void took(long long nanoseconds)
{
    if ((size_t)go.acked >= go.took_room) go.took = realloc(go.took, (go.took_room = go.took_room ? go.took_room * 2 : 65536) * sizeof *go.took);
    go.took[go.acked++] = nanoseconds;
}

static void note_error(const unsigned char *text, size_t size)
{
    size_t n = size < sizeof last_error - 1 ? size : sizeof last_error - 1, o = 0;
    for (size_t i = 0; i < n; i++)
        if (text[i] >= 32 && text[i] < 127 && text[i] != '"' && text[i] != '\\') last_error[o++] = (char)text[i];
    last_error[o] = 0;
    sum.errors++;
    go.errors++;
}

/* A reader holds what the number behind `name` says: so many ballots, or all messages up to one. */
static void on_number(struct connection *c, const unsigned char *payload, size_t size, const char *name)
{
    sum.tallies++;
    const unsigned char *at = memmem(payload, size, name, strlen(name));
    if (!at) return;
    long long ballots = 0;
    for (at += strlen(name); at < payload + size && *at >= '0' && *at <= '9'; at++) ballots = ballots * 10 + (*at - '0');
    if (track_max) {
        long long t = now(), to = ballots < track_max ? ballots : track_max;
        for (long long k = c->ballots + 1; k <= to; k++) {
            track_time[k] = t;
            track_holders[k]++;
        }
    }
    c->ballots = ballots;
}

static void on_text(struct connection *c, const unsigned char *frame, size_t header, size_t size)
{
    const unsigned char *payload = frame + header;
    if (mode == READERS) {
        if (memmem(payload, size, "\"key\":\"tally\"", 13)) {
            on_number(c, payload, size, "\"ballots\":");
            if (header + size <= sizeof last_tally) memcpy(last_tally, frame, last_tally_size = header + size);
        } else if (memmem(payload, size, MESSAGE, strlen(MESSAGE))) on_number(c, payload, size, MESSAGE);
        return;
    }
    const unsigned char *at = memmem(payload, size, "\"ref\":\"", 7);
    if (!at) return;
    long long ref = 0;
    for (at += 7; at < payload + size && *at >= '0' && *at <= '9'; at++) ref = ref * 10 + (*at - '0');
    c->flight--;
    if (memmem(payload, size, "\"error\"", 7)) note_error(payload, size);
    took(now() - ref_due[ref % REFS]);
}

/* Take whole frames off the front of data; returns how many bytes were used, or -1 when the server closed. */
static ssize_t frames(struct connection *c, const unsigned char *data, size_t size)
{
    size_t at = 0;
    while (size - at >= 2) {
        const unsigned char *f = data + at;
        size_t header = 2, length = f[1] & 127;
        if (length == 126) {
            if (size - at < 4) break;
            header = 4;
            length = (size_t)f[2] << 8 | f[3];
        } else if (length == 127) {
            if (size - at < 10) break;
            header = 10;
            length = 0;
            for (int i = 2; i < 10; i++) length = length << 8 | f[i];
        }
        if (size - at < header + length) break;
        int opcode = f[0] & 15;
        if (opcode == 1) { sum.frames++; on_text(c, f, header, length); }
        else if (opcode == 9) { sum.pings++; send_frame(c->fd, 10, f + header, length); }
        else if (opcode == 8) {
            if (length > 2) note_error(f + header + 2, length - 2);
            else note_error((const unsigned char *)"closed", 6);
            return -1;
        }
        at += header + length;
    }
    return (ssize_t)at;
}

/* Take one HTTP answer off the front; returns bytes used or 0. */
static ssize_t answer(struct connection *c, unsigned char *data, size_t size)
{
    unsigned char *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end) return 0;
    *end = 0;
    size_t head = (size_t)(end - data) + 4, length = 0;
    const char *field = strcasestr((char *)data, "\r\ncontent-length:");
    int status = atoi((char *)data + 9);
    if (field) length = (size_t)atol(field + 17);
    *end = '\r';
    if (size < head + length) return 0;
    if (c->flight) {
        c->flight--;
        if (status >= 400) note_error(data + head, length);
        took(now() - c->due);
    }
    if (keep) { fwrite(data + head, 1, length, keep); fputc('\n', keep); }
    return (ssize_t)(head + length);
}

static void readable(uint32_t index)
{
    static unsigned char buffer[1 << 18];
    struct connection *c = &all[index];
    if (c->state == CLOSED) return;
    size_t have = c->have;
    if (have) memcpy(buffer, c->part, have);
    ssize_t n = recv(c->fd, buffer + have, sizeof buffer - have - 1, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) { shut(index); return; }
    sum.bytes += n;
    have += (size_t)n;
    size_t used = 0;
    if (c->state == CONNECTING) {
        unsigned char *end = memmem(buffer, have, "\r\n\r\n", 4);
        if (end) {
            used = (size_t)(end - buffer) + 4;
            if (memcmp(buffer, "HTTP/1.1 101", 12)) {
                sum.refused++;
                note_error(buffer, have);
                shut(index);
                return;
            }
            c->state = OPEN;
            sum.open++;
            if (mute) { watch(index, 0, EPOLL_CTL_DEL); return; }
        }
    }
    while (c->state == OPEN && used < have) {
        ssize_t more = mode == HTTP ? answer(c, buffer + used, have - used) : frames(c, buffer + used, have - used);
        if (more < 0) { shut(index); return; }
        if (more == 0) break;
        used += (size_t)more;
    }
    c->have = (uint32_t)(have - used);
    if (c->have > c->room) c->part = realloc(c->part, c->room = c->have + 256);
    if (c->have) memcpy(c->part, buffer + used, c->have);
    else { free(c->part); c->part = NULL; c->room = 0; }
}

static void send_one(struct connection *c, long long due)
{
    static char text[65536];
    if ((size_t)go.sent >= go.due_room) go.due = realloc(go.due, (go.due_room = go.due_room ? go.due_room * 2 : 65536) * sizeof *go.due);
    go.due[go.sent++] = due;
    c->flight++;
    if (mode == HTTP) {
        long long turn = (long long)token_next++;
        size_t n = fill(text, sizeof text, message, tokens[(size_t)turn % token_count], 1 + (int)(turn & 1), turn);
        c->due = due;
        send_all(c->fd, text, n);
    } else {
        long long ref = next_ref++;
        ref_due[ref % REFS] = due;
        /* Each connection alternates, so that every ballot changes the one before. */
        int choice = 1 + (int)(c->ballots++ & 1);
        size_t n = fill(text, sizeof text, message, "", choice, ref);
        send_frame(c->fd, 1, (unsigned char *)text, n);
    }
}

static int order(const void *a, const void *b)
{
    long long x = *(const long long *)a, y = *(const long long *)b;
    return (x > y) - (x < y);
}

static void finish(void)
{
    long long spent = now() - go.start;
    long long p50 = 0, p99 = 0, most = 0;
    if (go.acked) {
        qsort(go.took, (size_t)go.acked, sizeof *go.took, order);
        p50 = go.took[go.acked / 2];
        p99 = go.took[go.acked * 99 / 100];
        most = go.took[go.acked - 1];
    }
    go.on = 0;
    if (keep) fflush(keep);
    printf("{\"sent\":%lld,\"acked\":%lld,\"lost\":%lld,\"errors\":%lld,\"seconds\":%.6f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"start\":%lld,\"last_error\":\"%s\"}\n",
           go.sent, go.acked, go.lost, go.errors, spent / 1e9, p50 / 1e3, p99 / 1e3, most / 1e3, go.start, last_error);
    fflush(stdout);
}

static void arm(long long at)
{
    struct itimerspec when = {.it_value = {at / 1000000000, at % 1000000000}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/* Send what may be sent now. */
static void pump(void)
{
    if (!go.on) return;
    long long t = now();
    if (!go.draining && ((go.end && t >= go.end) || (go.count && go.sent >= go.count))) {
        go.draining = 1;
        go.drained = t + 10000000000LL;
    }
    if (go.draining) {
        if (go.acked + go.lost >= go.sent || t > go.drained) finish();
        return;
    }
    uint32_t misses = 0;
    while (misses < made && !(go.count && go.sent >= go.count)) {
        long long due = t;
        if (go.rate > 0) {
            due = go.start + (long long)(go.sent / go.rate * 1e9);
            if (due > t) { arm(due); return; }
        }
        struct connection *c = &all[go.turn];
        go.turn = (go.turn + 1) % made;
        if (c->state != OPEN || c->flight >= go.flight) { misses++; continue; }
        misses = 0;
        send_one(c, due);
    }
}

static void open_more(long long count)
{
    /* At most 64 handshakes under way, so that a short accept queue does not drop any. */
    long long want = sum.open + count, tried = 0, gone = sum.closed;
    struct epoll_event events[256];
    while (sum.open + (sum.closed - gone) < want) {
        while (tried < count && tried - (sum.open + (sum.closed - gone) - (want - count)) < 64) { connect_one(); tried++; }
        if (mode == HTTP) continue;
        int n = epoll_wait(poller, events, 256, 30000);
        if (n == 0) { fprintf(stderr, "load: handshakes unanswered\n"); exit(1); }
        for (int i = 0; i < n; i++)
            if (events[i].data.u32 < made) readable(events[i].data.u32);
    }
    printf("{\"open\":%lld,\"refused\":%lld,\"last_error\":\"%s\"}\n", sum.open, sum.refused, last_error);
}

static void drop(long long count)
{
    for (uint32_t i = made; i-- > 0 && count > 0;)
        if (all[i].state == OPEN) {
            if (mode == READERS && !mute) send_frame(all[i].fd, 8, (const unsigned char *)"\x03\xe9", 2);
            shut(i);
            count--;
        }
    printf("{\"open\":%lld}\n", sum.open);
}

static void stat_line(void)
{
    long long least = -1, most = -1;
    for (uint32_t i = 0; i < made; i++)
        if (all[i].state == OPEN) {
            if (least < 0 || all[i].ballots < least) least = all[i].ballots;
            if (all[i].ballots > most) most = all[i].ballots;
        }
    printf("{\"open\":%lld,\"closed\":%lld,\"frames\":%lld,\"tallies\":%lld,\"bytes\":%lld,\"pings\":%lld,\"errors\":%lld,\"sent\":%lld,\"acked\":%lld,"
           "\"least\":%lld,\"most\":%lld,\"last_error\":\"%s\"}\n",
           sum.open, sum.closed, sum.frames, sum.tallies, sum.bytes, sum.pings, sum.errors, go.sent, go.acked, least, most, last_error);
}

static void write_file(const char *path, const void *a, size_t a_size, const void *b, size_t b_size)
{
    FILE *f = fopen(path, "wb");
    if (!f) fail(path);
    fwrite(a, 1, a_size, f);
    if (b) fwrite(b, 1, b_size, f);
    fclose(f);
    printf("{\"written\":%zu}\n", a_size + b_size);
}

static void command(char *line)
{
    char path[4096];
    long long n;
    double rate, seconds;
    int flight;
    if (sscanf(line, "open %lld", &n) == 1) open_more(n);
    else if (sscanf(line, "drop %lld", &n) == 1) drop(n);
    else if (!strncmp(line, "stat", 4)) stat_line();
    else if (!strncmp(line, "stop", 4)) { if (go.on) go.end = now(); return; }
    else if (sscanf(line, "first %lld", &n) == 1) { token_next = (size_t)n; printf("{}\n"); }
    else if (sscanf(line, "track %lld", &n) == 1) {
        free(track_time);
        free(track_holders);
        track_time = calloc((size_t)n + 1, sizeof *track_time);
        track_holders = calloc((size_t)n + 1, sizeof *track_holders);
        track_max = n;
        for (uint32_t i = 0; i < made; i++) all[i].ballots = 0;
        printf("{}\n");
    } else if (sscanf(line, "dump %4095s", path) == 1)
        write_file(path, track_time, ((size_t)track_max + 1) * sizeof *track_time, track_holders, ((size_t)track_max + 1) * sizeof *track_holders);
    else if (!strncmp(line, "frame", 5)) {
        printf("{\"frame\":\"");
        for (size_t i = 0; i < last_tally_size; i++) printf("%02x", last_tally[i]);
        printf("\"}\n");
    } else if (sscanf(line, "times %4095s", path) == 1) write_file(path, go.due, (size_t)go.sent * sizeof *go.due, NULL, 0);
    else if (sscanf(line, "go %lf %lf %d %lld", &rate, &seconds, &flight, &n) == 4) {
        go.on = 1;
        go.draining = 0;
        go.rate = rate;
        go.flight = mode == HTTP ? 1 : flight;
        go.count = n;
        go.sent = go.acked = go.lost = go.errors = 0;
        go.start = now();
        go.end = seconds > 0 ? go.start + (long long)(seconds * 1e9) : 0;
        if (go.end) arm(go.end);
        pump();
        return;
    } else printf("{\"unknown\":1}\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc < 5) { fprintf(stderr, "usage: load readers|acts|http PORT TEMPLATE TOKENS ...\n"); return 2; }
    mode = !strcmp(argv[1], "readers") ? READERS : !strcmp(argv[1], "acts") ? ACTS : HTTP;
    port = atoi(argv[2]);
    handshake = message = slurp(argv[3]);
    read_tokens(argv[4]);
    if (mode == ACTS) message = slurp(argv[5]);
    if (mode == READERS) mute = argc > 5 && !strcmp(argv[5], "mute");
    if (mode == HTTP && argc > 5 && strcmp(argv[5], "-")) keep = fopen(argv[5], "wb");
    poller = epoll_create1(EPOLL_CLOEXEC);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = STDIN};
    epoll_ctl(poller, EPOLL_CTL_ADD, 0, &e);
    e.data.u32 = TIMER;
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &e);

    static char lines[65536];
    size_t have = 0;
    struct epoll_event events[512];
    for (;;) {
        int n = epoll_wait(poller, events, 512, go.on ? 100 : -1);
        if (n < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < n; i++) {
            uint32_t index = events[i].data.u32;
            if (index == TIMER) {
                unsigned long long times;
                if (read(timer, &times, sizeof times) < 0 && errno != EAGAIN) fail("timer");
            } else if (index == STDIN) {
                ssize_t got = read(0, lines + have, sizeof lines - have - 1);
                if (got <= 0) return 0;
                have += (size_t)got;
                lines[have] = 0;
                char *end;
                while ((end = memchr(lines, '\n', have))) {
                    *end = 0;
                    command(lines);
                    have -= (size_t)(end + 1 - lines);
                    memmove(lines, end + 1, have + 1);
                }
            } else readable(index);
        }
        pump();
    }
}

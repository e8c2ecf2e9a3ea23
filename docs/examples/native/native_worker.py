# pools: {app: {type: native, command: python3 native_worker.py}}
from roundhouse_native import Worker


def answer(worker, connection):
    connection.settimeout(1)
    if not connection.recv(4096):
        return
    text = b"hello from Python worker %d\n" % worker.id
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                       % (len(text), text))
    worker.requests.value += 1


worker = Worker()
while (connection := worker.accept()) is not None:
    try:
        answer(worker, connection)
    except OSError:
        pass  # the client has left
    worker.close(connection)

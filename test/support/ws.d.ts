/** As much of ws as the other end of Socket Mode needs; it brings no types. */
declare module 'ws' {
  export class WebSocket {
    on(event: 'message', heard: (data: unknown) => void): void
    send(text: string): void
    terminate(): void
  }
  export class WebSocketServer {
    constructor(options: { port: number; host: string })
    readonly clients: Set<WebSocket>
    on(event: 'connection', heard: (socket: WebSocket) => void): void
    once(event: 'listening', heard: () => void): void
    address(): unknown
    close(done: (value: unknown) => void): void
  }
}

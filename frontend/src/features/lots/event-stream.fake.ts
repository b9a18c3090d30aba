// An event stream that a test speaks for.

export class FakeSource extends EventTarget {
  static readonly CLOSED = 2
  static opened: FakeSource[] = []
  readyState = 1
  constructor(readonly url: string) {
    super()
    FakeSource.opened.push(this)
  }
  close(): void {
    this.readyState = 2
  }
  say(type: string, data?: object): void {
    this.dispatchEvent(
      data ? new MessageEvent(type, { data: JSON.stringify(data) }) : new Event(type),
    )
  }
}

/** An image to decode. Plain data: it travels between threads. */
export interface DecodeRequest {
  readonly file: string;
  /** Size that its record says, in pixels. */
  readonly sourceWidth: number;
  readonly sourceHeight: number;
  /** Size to shrink or grow to. */
  readonly width: number;
  readonly height: number;
  /** Whether to apply the EXIF rotation. */
  readonly orient: boolean;
}

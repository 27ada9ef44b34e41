// The discs of space/disc.ts on a graphics card. Depth is written as it is, so that precision is the same everywhere;
// faint points have the far half of it.

import { NEAR } from "../space/camera";
import { FAINT, SMALLEST_RADIUS } from "../space/disc";
import { PATTERN_GLSL } from "./pattern";
import { SHADING_GLSL } from "./shading";

const FAR = 20;

/** Gives a fragment shader `disc` (centre and radius in device pixels), `point`, `color` and `pale`. */
export const VERTEX = /* glsl */ `
precision highp float;
uniform vec4 rowX;
uniform vec4 rowY;
uniform vec4 rowDepth;
uniform vec2 viewport;
uniform float scale;
uniform float largest;
uniform float fadeStart;
uniform float fadeEnd;
uniform highp sampler2D palette;
uniform highp sampler2D sizes;
in vec4 position;
in float code;
flat out vec3 disc;
flat out vec3 color;
flat out float pale;
flat out int point;
${SHADING_GLSL}
void main() {
  vec4 place = vec4(position.xyz, 1.0);
  float depth = dot(rowDepth, place);
  vec2 center = vec2(dot(rowX, place), dot(rowY, place)) / depth;
  int size = int(code) >> 8;
  bool isFaint = size >= ${FAINT};
  float radius = clamp(scale * texelFetch(sizes, ivec2(size, 0), 0).r / depth, ${SMALLEST_RADIUS}, largest);
  disc = vec3(center.x, viewport.y - center.y, radius);
  color = texelFetch(palette, ivec2(int(code) & 255, 0), 0).rgb;
  pale = paleness(depth, fadeStart, fadeEnd, isFaint);
  point = gl_VertexID;
  float far = (depth - ${NEAR}) / ${(FAR - NEAR).toFixed(2)};
  gl_Position = depth > ${NEAR} ? vec4(2.0 * disc.xy / viewport - 1.0, isFaint ? far : far - 1.0, 1.0) : vec4(2.0);
  gl_PointSize = 2.0 * radius + 2.0;
}
`;

export const FRAGMENT = /* glsl */ `
precision highp float;
uniform vec3 background;
uniform float opacity;
flat in vec3 disc;
flat in vec3 color;
flat in float pale;
flat in int point;
out vec4 pixel;
${SHADING_GLSL}
${PATTERN_GLSL}
void main() {
  vec2 offset = (gl_FragCoord.xy - disc.xy) / disc.z;
  if (dot(offset, offset) > 1.0) discard;
  if (opacity < 1.0 && isLeftOut(ivec2(gl_FragCoord.xy), patternShift(point), opacity)) discard;
  pixel = vec4(mix(color * brightness(vec2(offset.x, -offset.y), disc.z), background, pale), 1.0);
}
`;
